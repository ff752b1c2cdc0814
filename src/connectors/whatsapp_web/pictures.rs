//! Where the pictures of people and groups lie: told from memory, asked for by and by.

use super::{WebInner, asked::AskedLately, ids, sending::ASK_WITHIN, wire::in_time};
use crate::{
    connectors::{Address, provider_text::repeated},
    model::clock::Time,
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use whatsapp_rust::Jid;

/// How long the place of a picture holds, and that there is none: WhatsApp's addresses are good for some days.
const HOLDS: Duration = Duration::from_secs(24 * 3600);
/// Pictures that are asked for in an hour.
const ASKED_MAX: usize = 120;
/// Chats whose pictures wait to be asked for.
const WAITING_MAX: usize = 60;

/// What is known of pictures, and what somebody looked for.
#[derive(Default)]
pub(super) struct Pictures {
    known: AskedLately<Option<String>>,
    waiting: VecDeque<Jid>,
    /// A task asks for what waits.
    is_asking: bool,
}

impl Pictures {
    /// What is known, and whether a task must begin to ask for what waits.
    fn look_for(&mut self, whose: Jid, now: Time) -> (Option<String>, bool) {
        let (url, is_fresh) = match self.known.get(&whose.to_string(), now) {
            Some((url, age)) => (url.clone(), age < HOLDS),
            None => (None, false),
        };
        if is_fresh || self.waiting.len() == WAITING_MAX || self.waiting.contains(&whose) {
            return (url, false);
        }
        self.waiting.push_back(whose);
        (url, !std::mem::replace(&mut self.is_asking, true))
    }

    /// The next one to ask for, as often as may be asked.
    fn next(&mut self, now: Time) -> Option<Jid> {
        let next = self.waiting.front().cloned().filter(|_| self.known.may_ask(1, ASKED_MAX, now));
        if next.is_none() {
            self.stop();
        }
        next
    }

    /// Whoever looks again begins anew.
    fn stop(&mut self) {
        self.waiting.clear();
        self.is_asking = false;
    }

    fn came(&mut self, whose: &Jid, url: Option<String>, now: Time) {
        self.known.put(&whose.to_string(), url, now);
        self.waiting.retain(|waiting| waiting != whose);
    }
}

impl WebInner {
    /// Where a chat's picture lies, as far as it is known; what is not known, or was long ago, is asked for meanwhile.
    pub(super) fn picture(self: &Arc<Self>, chat: &Address) -> Option<String> {
        let whose = ids::jid(chat)?;
        let (url, begins) = self.pictures().look_for(whose, self.clock.now());
        if begins {
            tokio::spawn(self.clone().ask_for_pictures());
        }
        url
    }

    async fn ask_for_pictures(self: Arc<Self>) {
        loop {
            let Some(whose) = self.pictures().next(self.clock.now()) else { return };
            let Some(client) = self.client().filter(|client| client.is_logged_in()) else { break };
            let contacts = client.contacts();
            match in_time(&*self.clock, ASK_WITHIN, contacts.get_profile_picture(&whose, true)).await {
                Some(Ok(picture)) => self.pictures().came(&whose, picture.map(|p| p.url), self.clock.now()),
                Some(Err(e)) => {
                    tracing::debug!(instance = %self.instance, "a picture: {}", repeated(&e.to_string()));
                    self.pictures().came(&whose, None, self.clock.now());
                }
                None => break,
            }
        }
        self.pictures().stop();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_asked_for_once_a_day_and_none_too_often() {
        let begin = Time::from_millis(0);
        let mut pictures = Pictures::default();
        let (one, url) = (Jid::pn("966501234567"), Some("https://pps.example/1.jpg".to_owned()));
        assert_eq!(pictures.look_for(one.clone(), begin), (None, true));
        assert_eq!(pictures.look_for(one.clone(), begin), (None, false), "it waits already");
        assert_eq!(pictures.next(begin), Some(one.clone()));
        pictures.came(&one, url.clone(), begin);
        assert_eq!(pictures.next(begin), None);
        assert_eq!(pictures.look_for(one.clone(), begin.plus(HOLDS / 2)), (url.clone(), false));
        assert_eq!(pictures.look_for(one.clone(), begin.plus(HOLDS)), (url, true), "told, and asked for again");
        pictures.stop();
        for n in 0..WAITING_MAX + 5 {
            pictures.look_for(Jid::pn(n.to_string()), begin);
        }
        assert_eq!(pictures.waiting.len(), WAITING_MAX);
        for n in 1..ASKED_MAX {
            assert!(pictures.next(begin).is_some(), "{n}");
        }
        assert_eq!((pictures.next(begin), pictures.is_asking), (None, false), "enough for this hour");
    }
}
