//! WhatsApp, in a process of its own: the tests' double, which does what it is told, a word a line.

use crate::whatsapp::WhatsApp;
use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, Command, Stdio},
};
use whatsapp_rust::waproto::whatsapp as wa;

/// The argument by which this program is WhatsApp.
pub const PROVIDE: &str = "--as-whatsapp";

type Failure = Box<dyn std::error::Error>;

/// The other process; it ends with this.
pub struct Provider {
    child: Child,
    orders: ChildStdin,
    /// Where it is, as a setting.
    pub url: String,
}

impl Provider {
    pub fn start() -> Result<Self, Failure> {
        let mut command = Command::new(std::env::current_exe()?);
        let mut child = command.arg(PROVIDE).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut url = String::new();
        BufReader::new(child.stdout.take().ok_or("no output")?).read_line(&mut url)?;
        let orders = child.stdin.take().ok_or("no input")?;
        Ok(Self { child, orders, url: url.trim().to_owned() })
    }

    /// Host and port.
    pub fn place(&self) -> &str {
        self.url.trim_start_matches("ws://").split('/').next().unwrap_or_default()
    }

    /// The phone of `number` scans a code.
    pub fn scan(&mut self, number: u64, code: &str) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "scan {number} {code}")?)
    }

    /// Whoever writes to `number` reaches the device of `real`.
    pub fn alias(&mut self, number: u64, real: u64) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "alias {number} {real}")?)
    }

    /// The connection of `number` breaks.
    pub fn cut(&mut self, number: u64) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "cut {number} -")?)
    }

    /// Somebody's phone writes to `number`.
    pub fn write(&mut self, number: u64, id: &str) -> Result<(), Failure> {
        Ok(writeln!(self.orders, "write {number} {id}")?)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Is WhatsApp until its input ends; its address is its only line.
pub async fn provide(somebody: u64) -> Result<(), Failure> {
    let service = WhatsApp::start().await;
    println!("{}", service.url());
    let (lines, mut read) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            let _ = lines.send(line);
        }
    });
    while let Some(line) = read.recv().await {
        let mut words = line.splitn(3, ' ');
        let (Some(order), Some(number), Some(rest)) = (words.next(), words.next(), words.next()) else {
            return Err(format!("no order: {line}").into());
        };
        let number = number.parse()?;
        match order {
            "scan" => service.scan(number, rest),
            "alias" => service.alias(number, rest.parse()?),
            "cut" => service.drop_connection(number),
            "write" => {
                let text = wa::Message { conversation: Some("Is it ready?".into()), ..Default::default() };
                service.write(somebody, number, rest, &text);
            }
            _ => return Err(format!("no order: {line}").into()),
        }
    }
    Ok(())
}
