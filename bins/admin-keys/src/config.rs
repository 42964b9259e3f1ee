//! Settings: flags first, then the environment, then `.env` in the working directory. The one place of this program
//! that asks for the environment.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use cli_support::{Environment, Failure};
use instance::{Options, PepperSource};

use crate::cli::RegistryTarget;

/// The registry that the command works on.
pub enum RegistryChoice {
    /// The database file.
    File(Box<Options>),
    /// A server.
    Http {
        /// Where it is.
        url: String,
        /// The admin token.
        token: String,
    },
}

impl RegistryChoice {
    /// Reads and checks everything.
    ///
    /// The server is named by a flag alone: a `.env` that came with somebody's repository could otherwise choose
    /// where the admin token is sent.
    pub fn read(target: &RegistryTarget) -> Result<Self, Failure> {
        Self::of(target, &Environment::read().map_err(Failure::trouble)?)
    }

    fn of(target: &RegistryTarget, env: &Environment) -> Result<Self, Failure> {
        // Flags that stand before and after the command are not compared by the parser.
        let of_file = target.db.is_some() || target.key_pepper_file.is_some();
        if target.api.is_some() && of_file {
            return Err(Failure::usage(anyhow!("--api does not go with --db and --key-pepper-file")));
        }
        if target.api.is_none() && target.admin_token_file.is_some() {
            return Err(Failure::usage(anyhow!("--admin-token-file goes with --api alone")));
        }
        match target.api.clone() {
            Some(url) => Ok(Self::Http { url, token: token(target, env)? }),
            None => Ok(Self::File(Box::new(options(target, env)))),
        }
    }
}

fn options(target: &RegistryTarget, env: &Environment) -> Options {
    let given = |flag: &Option<PathBuf>, name| flag.clone().or_else(|| env.get(name).map(PathBuf::from));
    let db = given(&target.db, "T4_DB");
    let mut options = Options::new(db.unwrap_or_else(|| PathBuf::from("reports/todos/intent_registry.db")));
    options.pepper = match given(&target.key_pepper_file, "T4_KEY_PEPPER_FILE") {
        Some(file) => PepperSource::File(file),
        None => env.get("T4_KEY_PEPPER").map_or(PepperSource::Beside, PepperSource::Text),
    };
    options.readers = 1;
    options
}

fn token(target: &RegistryTarget, env: &Environment) -> Result<String, Failure> {
    let token = match &target.admin_token_file {
        Some(path) => {
            let text = std::fs::read_to_string(path);
            let what = || format!("the token file `{}` can't be read", path.display());
            Some(text.with_context(what).map_err(Failure::trouble)?)
        }
        None => env.get("T4_ADMIN_TOKEN"),
    };
    token.filter(|token| !token.trim().is_empty()).ok_or_else(|| {
        Failure::trouble(anyhow!(
            "--api takes an admin token: set T4_ADMIN_TOKEN, or give --admin-token-file"
        ))
    })
}
