//! The bad receivers, in a process of their own: what they waste is not the gateway's.

use super::{
    Failure,
    bad_receiver::{BadReceiver, Vice},
};
use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// The argument by which this program is the crowd.
pub const CROWD: &str = "--as-crowd";

/// One of each vice. Ends when this value is dropped.
pub struct Crowd {
    child: Child,
    asked: ChildStdin,
    said: BufReader<ChildStdout>,
    pub urls: Vec<String>,
}

impl Crowd {
    pub fn start() -> Result<Self, Failure> {
        // Last in line for the processor, as if it stood elsewhere: the floods write as fast as they are let.
        let mut command = Command::new("nice");
        let mut child = command
            .args(["-n", "19"])
            .arg(std::env::current_exe()?)
            .arg(CROWD)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asked = child.stdin.take().ok_or("no way to ask")?;
        let mut said = BufReader::new(child.stdout.take().ok_or("no way to hear")?);
        let urls = words(&mut said)?;
        Ok(Self { child, asked, said, urls })
    }

    /// Where they listen.
    pub fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let address = |url: &String| url.trim_start_matches("http://").trim_end_matches("/hook").parse();
        Ok(self.urls.iter().map(address).collect::<Result<_, _>>()?)
    }

    /// How often each was called, in the order of [`Vice::ALL`].
    pub fn calls(&mut self) -> Result<Vec<String>, Failure> {
        self.asked.write_all(b"calls?\n")?;
        words(&mut self.said)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn words(said: &mut impl BufRead) -> Result<Vec<String>, Failure> {
    let mut line = String::new();
    said.read_line(&mut line)?;
    Ok(line.split_whitespace().map(str::to_owned).collect())
}

/// Runs as the crowd: says where they are, then the calls as often as a line comes in, until there are no more.
pub async fn stand() -> Result<(), Failure> {
    let mut all = Vec::new();
    for vice in Vice::ALL {
        all.push(BadReceiver::start(vice).await);
    }
    say(all.iter().map(|bad| bad.url()))?;
    let lines = std::io::stdin().lines();
    tokio::task::block_in_place(|| {
        for line in lines {
            line?;
            say(all.iter().map(|bad| bad.calls().to_string()))?;
        }
        Ok(())
    })
}

fn say(words: impl Iterator<Item = String>) -> Result<(), Failure> {
    println!("{}", words.collect::<Vec<_>>().join(" "));
    Ok(std::io::stdout().flush()?)
}
