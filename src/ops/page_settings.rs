//! What an administrator set up on a page instead of in the configuration: the mail server that notices go over, and
//! scheduled backups. What the configuration names counts before it: who wrote a file finds that it does what it says.
//! Passwords and passphrases lie sealed beside.

use super::backup::{BackupPlan, BackupPlans, Passphrase, PassphraseSource};
pub use crate::config::SmtpTls;
use crate::{
    config::{Config, NoticesConfig},
    model::{
        clock::Time,
        string_enum::string_enum,
        why::{Why, why},
    },
    store::{self, Store, StoreError, Tx, Vault, WriteTx},
};
use rusqlite::params;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    time::Duration,
};

string_enum! {
    /// What can be set up on a page.
    SettingsPart {
        /// A [`MailServer`]; its secret is the password.
        Mail = "mail",
        /// A [`BackupSchedule`]; its secret is the passphrase.
        Backups = "backups",
    }
}

/// The mail server that notices go over, and who gets them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MailServer {
    /// A name or an IP address, without a port.
    pub host: String,
    pub port: u16,
    pub tls: SmtpTls,
    /// Who we are to it; may be empty.
    pub user: String,
    /// Who writes.
    pub from: String,
    /// Who gets all notices.
    pub to: Vec<String>,
    /// Whether owners get those of their account.
    pub to_owners: bool,
}

impl MailServer {
    /// The same that the configuration asks of its own: see [`NoticesConfig`].
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn judge(&self, has_password: bool) -> Result<(), Why> {
        let is_ip = self.host.parse::<IpAddr>();
        if is_ip.is_err() && !crate::model::egress::is_name(&self.host) {
            return Err(why!("mail_host", "{host:?} is no name of a mail server", host = self.host));
        }
        let is_here = self.host == "localhost" || is_ip.is_ok_and(|ip| ip.is_loopback());
        if self.tls == SmtpTls::Off && !is_here {
            return Err(why!("mail_plain", "without TLS mail goes only to a server on this machine"));
        }
        for address in [&self.from].into_iter().chain(&self.to) {
            if NoticesConfig::judge_address(address).is_err() {
                return Err(why!("mail_address", "{address:?} is no e-mail address", address = address));
            }
        }
        if self.to.is_empty() && !self.to_owners {
            return Err(why!("mail_nobody", "nobody would get mail: name somebody, or let owners get theirs"));
        }
        if self.user.is_empty() == has_password {
            return Err(why!("mail_login", "a user and a password go together"));
        }
        Ok(())
    }

    /// The configuration's notices with this server in them; as they are where they name one themselves.
    pub fn over(&self, configured: &NoticesConfig) -> NoticesConfig {
        if configured.smtp_host.is_some() {
            return configured.clone();
        }
        NoticesConfig {
            smtp_host: Some(self.host.clone()),
            smtp_port: self.port,
            smtp_tls: self.tls,
            smtp_user: self.user.clone(),
            smtp_password_file: None,
            from: self.from.clone(),
            to: self.to.clone(),
            to_owners: self.to_owners,
            ..configured.clone()
        }
    }
}

/// Backups that are made by themselves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BackupSchedule {
    /// Where to; absolute.
    pub directory: PathBuf,
    /// From one to the next, in hours.
    pub every_hours: u32,
    /// How many are kept.
    pub keep: u32,
}

impl BackupSchedule {
    /// Longest time between two, in hours, and most that are kept.
    pub const EVERY_MAX: u32 = 31 * 24;
    pub const KEEP_MAX: u32 = 1000;

    /// # Errors
    /// The first thing that is wrong. Whether the directory can be written is seen by trying.
    pub fn judge(&self, data_dir: &Path) -> Result<(), Why> {
        if !self.directory.is_absolute() {
            return Err(why!("backup_directory", "a directory's path begins with /"));
        }
        // Each backup would hold those before it.
        let usual = data_dir.join("backups");
        if self.directory.starts_with(data_dir) && self.directory != usual {
            let usual = usual.display().to_string();
            return Err(why!("backup_inside", "inside the data directory backups go to {usual} alone", usual = usual));
        }
        let fits = (1..=Self::EVERY_MAX).contains(&self.every_hours) && (1..=Self::KEEP_MAX).contains(&self.keep);
        if fits { Ok(()) } else { Err(why!("backup_figures", "1 to 744 hours, and 1 to 1,000 that are kept")) }
    }

    /// As a plan of this gateway's.
    pub fn plan(&self, plans: &BackupPlans, passphrase: PassphraseSource) -> BackupPlan {
        plans.plan(self.directory.clone(), (self.every(), self.keep), passphrase)
    }

    /// From one to the next.
    pub fn every(&self) -> Duration {
        Duration::from_secs(u64::from(self.every_hours) * 3600)
    }
}

/// What is set up of a part, with its secret as it is sealed.
type StoredPart<T> = Option<(T, Option<Vec<u8>>)>;

/// What was set up of a part, if anything was.
pub fn find<T: DeserializeOwned>(tx: &Tx<'_>, part: SettingsPart) -> Result<StoredPart<T>, StoreError> {
    let found =
        tx.find("SELECT value, secret FROM appliance_settings WHERE part = ?1", params![part.as_str()], |r| {
            Ok((r.get::<_, String>(0)?, r.get::<_, Option<Vec<u8>>>(1)?))
        })?;
    Ok(found.and_then(|(value, secret)| Some((serde_json::from_str(&value).ok()?, secret))))
}

/// Sets a part up, in place of what was there.
pub fn keep<T: Serialize>(
    tx: &WriteTx<'_>,
    part: SettingsPart,
    value: &T,
    secret: Option<&[u8]>,
    now: Time,
) -> Result<(), StoreError> {
    let text = serde_json::to_string(value).unwrap_or_default();
    tx.execute(
        "INSERT INTO appliance_settings (part, value, secret, changed_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (part) DO UPDATE SET value = ?2, secret = ?3, changed_at = ?4",
        params![part.as_str(), text, secret, now],
    )?;
    Ok(())
}

/// Takes a part away; says whether there was one.
pub fn remove(tx: &WriteTx<'_>, part: SettingsPart) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM appliance_settings WHERE part = ?1", params![part.as_str()])? > 0)
}

/// The secrets of what is set up on pages.
pub struct PageSecrets(Vault);

/// What is in force because a page says so.
#[derive(Default)]
pub struct ChosenSettings {
    /// The notices with the page's mail server in them, and its password.
    pub notices: Option<(NoticesConfig, Option<String>)>,
    /// Where backups go, and how often.
    pub backups: Option<(BackupSchedule, PassphraseSource)>,
}

impl PageSecrets {
    pub const fn new(vault: Vault) -> Self {
        Self(vault)
    }

    /// Seals a part's secret.
    pub fn seal(&self, part: SettingsPart, secret: &str) -> Vec<u8> {
        self.0.seal(sealed_for(part), secret)
    }

    /// A part's secret; none where it cannot be opened, as after a restore without the key.
    pub fn unseal(&self, part: SettingsPart, sealed: Option<&[u8]>) -> Option<String> {
        self.0.unseal(sealed_for(part), sealed?).ok()
    }

    /// What encrypts backups, by the secret of [`SettingsPart::Backups`].
    pub fn passphrase(&self, sealed: Option<&[u8]>) -> PassphraseSource {
        if sealed.is_none() {
            return PassphraseSource::None;
        }
        let text = self.unseal(SettingsPart::Backups, sealed);
        let found = text.and_then(|text| Passphrase::from_text(&text).ok());
        found.map_or(PassphraseSource::Lost, PassphraseSource::Given)
    }

    /// What was set up in earlier runs.
    pub async fn chosen(&self, store: &Store, configured: &NoticesConfig) -> Result<ChosenSettings, StoreError> {
        let read =
            store.read(|tx| Ok::<_, StoreError>((find(tx, SettingsPart::Mail)?, find(tx, SettingsPart::Backups)?)));
        let (mail, backups): (StoredPart<MailServer>, StoredPart<BackupSchedule>) = read.await?;
        let notices =
            mail.map(|(server, sealed)| (server.over(configured), self.unseal(SettingsPart::Mail, sealed.as_deref())));
        let backups = backups.map(|(schedule, sealed)| (schedule, self.passphrase(sealed.as_deref())));
        Ok(ChosenSettings { notices, backups })
    }
}

/// Puts what was chosen in force when the gateway starts.
pub fn adopt(
    chosen: ChosenSettings,
    plans: BackupPlans,
    notices: impl FnOnce(NoticesConfig, Option<String>),
) -> BackupPlans {
    if let Some((settings, password)) = chosen.notices {
        notices(settings, password);
    }
    if let Some((schedule, passphrase)) = chosen.backups {
        plans.choose(Some(schedule.plan(&plans, passphrase)));
    }
    plans
}

/// The configuration with what was set up on pages in it, as the doctor sees it; as it is where nothing can be read.
pub fn over(config: &Config) -> Config {
    let file = config.data_dir.join(store::FILE_NAME);
    let found = if file.exists() {
        store::peek(&file, |tx| Ok((find(tx, SettingsPart::Mail)?, find(tx, SettingsPart::Backups)?)))
    } else {
        Ok((None, None))
    };
    let (mail, backups): (StoredPart<MailServer>, StoredPart<BackupSchedule>) = found.unwrap_or_default();
    let mut merged = config.clone();
    if let Some((server, _)) = mail {
        merged.notices = server.over(&config.notices);
    }
    if let Some((schedule, _)) = backups.filter(|_| config.backup.directory.is_none()) {
        merged.backup.directory = Some(schedule.directory.clone());
        (merged.backup.every, merged.backup.keep) = (schedule.every(), schedule.keep);
    }
    merged
}

const fn sealed_for(part: SettingsPart) -> &'static str {
    match part {
        SettingsPart::Mail => "appliance_mail_password",
        SettingsPart::Backups => "appliance_backup_passphrase",
    }
}
