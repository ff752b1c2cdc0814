//! Which scheduled backups are in force: those of the configuration, else those that were set up on a page.

use super::{BackupPlan, PassphraseSource};
use arc_swap::ArcSwapOption;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// The plan in force. One of the configuration stays; one of a page comes and goes while the gateway runs.
pub struct BackupPlans {
    data_dir: PathBuf,
    key_file: Option<PathBuf>,
    configured: Option<Arc<BackupPlan>>,
    chosen: ArcSwapOption<BackupPlan>,
}

impl BackupPlans {
    /// What is backed up (`data_dir`, and `key_file` where the key does not lie there), and the configuration's plan.
    pub const fn new(data_dir: PathBuf, key_file: Option<PathBuf>, configured: Option<Arc<BackupPlan>>) -> Self {
        Self { data_dir, key_file, configured, chosen: ArcSwapOption::const_empty() }
    }

    /// The plan, if backups are made at all.
    pub fn in_force(&self) -> Option<Arc<BackupPlan>> {
        self.configured.clone().or_else(|| self.chosen.load_full())
    }

    /// Whether the configuration says where backups go; then no page does.
    pub const fn is_configured(&self) -> bool {
        self.configured.is_some()
    }

    /// A plan of this gateway's.
    pub fn plan(&self, directory: PathBuf, (every, keep): (Duration, u32), passphrase: PassphraseSource) -> BackupPlan {
        BackupPlan {
            data_dir: self.data_dir.clone(),
            key_file: self.key_file.clone(),
            directory,
            every,
            keep: keep as usize,
            passphrase,
        }
    }

    /// Puts a page's plan in force, or takes it away.
    pub fn choose(&self, plan: Option<BackupPlan>) {
        self.chosen.store(plan.map(Arc::new));
    }
}
