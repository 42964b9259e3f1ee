//! Strict reading of columns that only this program writes: a wrong value is an error, not a guess.

use std::fmt::Display;

use registry_core::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Params, Row};
use storage::StoreError;

use crate::columns::lenient;
use crate::errors::OrStore as _;

/// Row of a table, with the names that an error needs.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    table: &'static str,
    /// Number of columns, from the first, that identify the row.
    named_by: usize,
}

impl<'r> Cells<'r> {
    pub(crate) fn new(row: &'r Row<'r>, table: &'static str, named_by: usize) -> Self {
        Self { row, table, named_by }
    }

    pub(crate) fn corrupt(&self, column: &'static str, problem: &dyn Display) -> StoreError {
        let name = |index| lenient::string(self.row, index).ok().flatten().unwrap_or_default();
        let row = (0..self.named_by).map(name).collect::<Vec<_>>().join(" ");
        StoreError::Corrupt { table: self.table, column, row, problem: problem.to_string() }
    }

    fn given<T>(&self, column: &'static str, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.corrupt(column, &"it is empty"))
    }

    pub(crate) fn text_or_null(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<&'r str>, StoreError> {
        match self.row.get_ref(index).or_store()? {
            ValueRef::Null => Ok(None),
            ValueRef::Text(bytes) => {
                std::str::from_utf8(bytes).map(Some).map_err(|error| self.corrupt(column, &error))
            }
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Blob(_) => {
                Err(self.corrupt(column, &"it is no text"))
            }
        }
    }

    pub(crate) fn text(&self, index: usize, column: &'static str) -> Result<String, StoreError> {
        let text = self.text_or_null(index, column)?;
        self.given(column, text).map(str::to_owned)
    }

    pub(crate) fn number_or_null<T: TryFrom<i64>>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<T>, StoreError> {
        match self.row.get_ref(index).or_store()? {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(number) => T::try_from(number)
                .map(Some)
                .map_err(|_| self.corrupt(column, &format_args!("`{number}` is out of range"))),
            ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => {
                Err(self.corrupt(column, &"it is no whole number"))
            }
        }
    }

    pub(crate) fn number<T: TryFrom<i64>>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T, StoreError> {
        let number = self.number_or_null(index, column)?;
        self.given(column, number)
    }

    pub(crate) fn flag(&self, index: usize, column: &'static str) -> Result<bool, StoreError> {
        match self.number::<i64>(index, column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.corrupt(column, &format_args!("`{other}` is neither 0 nor 1"))),
        }
    }

    pub(crate) fn time(&self, index: usize, column: &'static str) -> Result<Timestamp, StoreError> {
        self.parsed(index, column, Timestamp::parse_lenient)
    }

    /// Reads a word of a fixed set.
    pub(crate) fn word<T>(
        &self,
        index: usize,
        column: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, StoreError> {
        self.parsed(index, column, |text| parse(text).ok_or_else(|| format!("`{text}` is not known")))
    }

    pub(crate) fn parsed<T, E: Display>(
        &self,
        index: usize,
        column: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, StoreError> {
        let text = self.text_or_null(index, column)?;
        parse(self.given(column, text)?).map_err(|error| self.corrupt(column, &error))
    }
}

/// Returns the only row of a query.
pub(crate) fn one<T>(
    mut statement: CachedStatement<'_>,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut rows = statement.query(params).or_store()?;
    rows.next().or_store()?.map(read).transpose()
}

/// Returns all rows of a query.
pub(crate) fn all<T>(
    mut statement: CachedStatement<'_>,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut rows = statement.query(params).or_store()?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().or_store()? {
        found.push(read(row)?);
    }
    Ok(found)
}
