//! Lists, followed to their end.

use http_out::reqwest::Url;
use http_out::reqwest::header::LINK;
use serde::de::DeserializeOwned;

use crate::Error;
use crate::answer::ApiAnswer;
use crate::encoding::query;
use crate::link::next_target;
use crate::transport::{ApiCall, Transport};

/// How many rows a page is asked for: the most that the server gives.
const PAGE_ROWS: usize = 1000;
/// A list that has not ended after so many pages never will.
const MAX_PAGES: usize = 10_000;

impl Transport {
    /// The first `at_most` rows of a list. `filters` holds the pairs of the query.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        filters: &[(&str, &str)],
        at_most: usize,
    ) -> Result<Vec<T>, Error> {
        let limit = at_most.clamp(1, PAGE_ROWS).to_string();
        let mut pairs = filters.to_vec();
        pairs.push(("limit", &limit));
        let mut call = ApiCall::get(path).query(query(&pairs));
        let mut rows = Vec::new();
        for _ in 0..MAX_PAGES {
            let answer = self.send(&call).await?;
            rows.append(&mut answer.json::<Vec<T>>()?);
            if rows.len() >= at_most {
                rows.truncate(at_most);
                return Ok(rows);
            }
            match self.next_query(path, &answer)? {
                None => return Ok(rows),
                Some(next) if call.query.as_ref() == Some(&next) => {
                    return Err(answer.invalid("names itself as the next page"));
                }
                Some(next) => call = call.query(next),
            }
        }
        Err(Error::InvalidAnswer {
            status: 200,
            problem: format!("is a list that does not end after {MAX_PAGES} pages"),
            request_id: None,
        })
    }

    /// The query of the next page. Only the query is taken from the link: a page never leads to another route,
    /// and the path stays right behind a proxy that cuts a prefix off. Another origin is refused, not ignored,
    /// since a list that silently ends early would be read as the whole.
    fn next_query(&self, path: &str, answer: &ApiAnswer) -> Result<Option<String>, Error> {
        let mut links = answer.headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
        let Some(target) = links.find_map(next_target) else { return Ok(None) };
        let here = self.url(path)?;
        let next = Url::options()
            .base_url(Some(&here))
            .parse(target)
            .map_err(|_| answer.invalid("names no page"))?;
        if next.origin() != here.origin() {
            return Err(answer.invalid("names a next page on another server, which is never asked"));
        }
        next.query()
            .map(|query| Some(query.to_owned()))
            .ok_or_else(|| answer.invalid("names a next page without a cursor"))
    }
}
