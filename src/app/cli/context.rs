//! What a command of the program is given: the configuration, and how its caller wants to be answered.

use super::drop_privileges;
use crate::{
    config::{Config, Overrides},
    ops::logging,
};
use std::path::PathBuf;

/// What every command is given.
pub(super) struct Context {
    pub(super) config: Config,
    pub(super) config_path: Option<PathBuf>,
    pub(super) json: bool,
    /// Whether stderr leads to systemd's journal.
    pub(super) journal: bool,
}

/// What the caller gave, before the configuration is read.
pub(super) struct Given {
    pub(super) overrides: Overrides,
    pub(super) json: bool,
    config_path: Option<PathBuf>,
    environment: Vec<(String, String)>,
}

impl Given {
    pub(super) fn new(
        config_path: Option<PathBuf>,
        data_dir: Option<PathBuf>,
        json: bool,
        environment: Vec<(String, String)>,
    ) -> Self {
        Self { overrides: Overrides { data_dir, ..Overrides::default() }, json, config_path, environment }
    }

    /// Reads the configuration.
    pub(super) fn context(self) -> Result<Context, String> {
        let stream = self.environment.iter().find(|(key, _)| key == "JOURNAL_STREAM");
        let journal = stream.is_some_and(|(_, stream)| logging::is_journal(stream));
        let config = Config::load(self.config_path.as_deref(), self.environment.into_iter(), &self.overrides);
        let config = config.map_err(|e| e.to_string())?;
        Ok(Context { config, config_path: self.config_path, json: self.json, journal })
    }

    /// Reads the configuration and becomes the owner of the data directory. Before any thread is started.
    pub(super) fn context_of_owner(self) -> Result<Context, String> {
        let context = self.context()?;
        drop_privileges::become_owner_of(&context.config.data_dir)?;
        Ok(context)
    }
}
