//! What a test orders of the service: what phones do, what is refused, lost or slow, and what may be looked at.

use super::{Fault, Kept, Out, Scan, WhatsApp, lid, now, pairing, phone, pn, relay, typed};
use whatsapp_rust::{NodeBuilder, wacore_binary::Node, waproto::whatsapp as wa};

impl WhatsApp {
    /// The phone of `number` scans this code.
    pub fn scan(&self, number: u64, code: &str) {
        let reference = code.split(',').next().unwrap_or_default();
        let mut state = self.shared.state();
        let shown = state.shown.remove(reference).expect("a code that is shown now");
        let answer = pairing::answer(&self.shared.keys, &mut state, number, code);
        let _ = shown.send(Out::Stanza(answer));
    }

    /// The owner of `number`'s phone types this code there.
    pub fn type_code(&self, number: u64, code: &str) {
        typed::begin(&self.shared.keys, &mut self.shared.state(), number, code);
    }

    /// The phone of `from` writes to `to`.
    pub fn write(&self, from: u64, to: u64, id: &str, message: &wa::Message) {
        phone::write(&self.shared, (from, to), id, message);
    }

    /// Somebody writes to `to` on the phone of `number`, and its device is told of it. The other side is not played.
    pub fn write_on_phone(&self, number: u64, to: u64, id: &str, message: wa::Message) {
        phone::tell_own(&self.shared, (number, to), id, message);
    }

    /// The phone of `number` shares a part of what it held before its device was linked.
    pub fn share_history(&self, number: u64, part: &wa::HistorySync) {
        phone::share_history(&self.shared, number, part);
    }

    pub fn next_scan(&self, scan: Scan) {
        self.shared.state().scan = scan;
    }

    /// Whether a device is linked to `number`'s phone and has brought its keys.
    pub fn is_linked(&self, number: u64) -> bool {
        self.shared.state().devices.get(&number).is_some_and(|d| d.signed.is_some())
    }

    /// Whether the phone of `number` lists a device.
    pub fn lists(&self, number: u64) -> bool {
        self.shared.state().lists(number)
    }

    pub fn is_online(&self, number: u64) -> bool {
        self.shared.state().online.contains_key(&number)
    }

    /// How many clients were connected as the device of `number` at once, at most, whether they were let in or not.
    pub fn most_clients(&self, number: u64) -> usize {
        self.shared.state().clients.get(&number).map_or(0, |(_, most)| *most)
    }

    /// How often the device of `number` logged in until now.
    pub fn logins(&self, number: u64) -> usize {
        self.shared.state().logins.get(&number).copied().unwrap_or_default()
    }

    /// Whoever writes to `number` reaches the device of `real`.
    pub fn alias(&self, number: u64, real: u64) {
        self.shared.state().aliases.insert(number, real);
    }

    pub fn add_stranger(&self, number: u64) {
        self.shared.state().strangers.insert(number);
    }

    pub fn fault_next(&self, fault: Fault) {
        self.shared.state().faults.push_back(fault);
    }

    /// A message that was acknowledged is refused after all.
    pub fn nack_late(&self, number: u64, to: u64, id: &str, code: &str) {
        let ack = NodeBuilder::new("ack").attr("class", "message").attr("from", pn(to)).attr("id", id.to_owned());
        if let Some(online) = self.shared.state().online.get(&number) {
            let _ = online.send(Out::Stanza(ack.attr("t", now().to_string()).attr("error", code.to_owned()).build()));
        }
    }

    /// From now on it says that it is this time, in seconds.
    pub fn tell_time(&self, seconds: i64) {
        self.shared.state().time = Some(seconds);
    }

    /// New chats are locked until then, in seconds; none: not any more.
    pub fn lock_until(&self, seconds: Option<i64>) {
        self.shared.state().locked_until = seconds;
    }

    /// So many new chats are used, of so many, until then in seconds.
    pub fn count_new_chats(&self, used: u32, total: u32, until: i64) {
        self.shared.state().quota = Some((used, total, until));
    }

    /// From, to and id of the messages that were taken.
    pub fn taken(&self) -> Vec<(u64, u64, String)> {
        self.shared.state().taken.clone()
    }

    pub fn forget_taken(&self) {
        self.shared.state().taken.clear();
    }

    /// The next message of `number` travels on under this id.
    pub fn rename_next(&self, number: u64, id: &str) {
        self.shared.state().renamed.entry(number).or_default().push_back(id.to_owned());
    }

    /// Whether the device of `number` acknowledged all that was brought to it.
    pub fn has_acknowledged(&self, number: u64, id: &str) -> bool {
        !self.shared.state().kept.get(&number).is_some_and(|kept| kept.iter().any(|k| k.id == id))
    }

    /// Brings what was not acknowledged once more, on the connection that there is.
    pub fn bring_again(&self, number: u64) {
        relay::bring_kept(&self.shared.state(), number);
    }

    /// From now on the stanzas of `number` with this tag, and with this child where it is not empty, are lost on the way.
    pub fn lose(&self, number: u64, tag: &'static str, child: &'static str) {
        self.shared.state().lost.push((number, tag, child));
    }

    /// How many were lost so.
    pub fn were_lost(&self) -> usize {
        self.shared.state().were_lost
    }

    /// Everything arrives again.
    pub fn lose_nothing(&self) {
        let mut state = self.shared.state();
        state.lost.clear();
        state.were_lost = 0;
    }

    /// The word that opens files is good no more; a client has to ask for another one.
    pub fn change_word_of_files(&self) {
        self.shared.state().shelf.change_word();
    }

    /// No file is kept any longer.
    pub fn forget_files(&self) {
        self.shared.state().shelf.clear();
    }

    /// The host of files answers with this status; none: as it should.
    pub fn trouble_files(&self, status: Option<u16>) {
        self.shared.state().shelf.trouble(status);
    }

    /// A channel that everybody here follows, in this role.
    pub fn add_channel(&self, id: &str, name: &str, role: &'static str) {
        self.shared.state().channels.push((id.to_owned(), name.to_owned(), role));
    }

    /// The picture of a number, or of a group by its id.
    pub fn set_picture(&self, whose: &str, url: &str) {
        self.shared.state().pictures.insert(whose.to_owned(), url.to_owned());
    }

    /// The phone of `from` rings `to`.
    pub fn ring(&self, from: u64, to: u64, call: &str) {
        relay::ring(&mut self.shared.state(), (from, to), call);
    }

    /// It rings no more.
    pub fn hang_up(&self, from: u64, to: u64, call: &str) {
        relay::hang_up(&mut self.shared.state(), (from, to), call);
    }

    /// How often anybody called.
    pub fn calls(&self) -> usize {
        self.shared.state().calls
    }

    /// How much the device of `number` has not acknowledged.
    pub fn kept(&self, number: u64) -> usize {
        self.shared.state().kept.get(&number).map_or(0, Vec::len)
    }

    /// The connections of those who show codes end.
    pub fn end_unlinked(&self) {
        for (_, shown) in self.shared.state().shown.drain() {
            let _ = shown.send(Out::End);
        }
    }

    /// The connection of `number` ends, without a word.
    pub fn drop_connection(&self, number: u64) {
        if let Some(online) = self.shared.state().online.remove(&number) {
            let _ = online.send(Out::End);
        }
    }

    /// The connection of `number` ends with this.
    pub fn end_with(&self, number: u64, stanza: Node) {
        if let Some(online) = self.shared.state().online.get(&number) {
            let _ = online.send(Out::Stanza(stanza));
            let _ = online.send(Out::End);
        }
    }

    /// The phone takes the device off its list.
    pub fn unlink(&self, number: u64) {
        let conflict = NodeBuilder::new("conflict").attr("type", "device_removed").build();
        self.end_with(number, NodeBuilder::new("stream:error").attr("code", "401").children([conflict]).build());
        let mut state = self.shared.state();
        state.devices.remove(&number);
        state.refusals.insert(number, NodeBuilder::new("failure").attr("reason", "401").build());
    }

    /// Another client takes the connection over.
    pub fn replace(&self, number: u64) {
        let conflict = NodeBuilder::new("conflict").attr("type", "replaced").build();
        self.tell(number, NodeBuilder::new("stream:error").children([conflict]).build());
    }

    /// Says this on the connection of `number`. Its end is left to the device: where it came behind this at once, the
    /// device might see it first, and try again.
    pub fn tell(&self, number: u64, stanza: Node) {
        if let Some(online) = self.shared.state().online.get(&number) {
            let _ = online.send(Out::Stanza(stanza));
        }
    }

    /// Logins of `number` end with this failure from now on; none: they are let in.
    pub fn refuse(&self, number: u64, attributes: Option<&[(&'static str, &str)]>) {
        let mut state = self.shared.state();
        let Some(attributes) = attributes else {
            state.refusals.remove(&number);
            return;
        };
        let failure = attributes.iter().fold(NodeBuilder::new("failure"), |b, (k, v)| b.attr(k, (*v).to_owned()));
        state.refusals.insert(number, failure.build());
    }

    /// A group with these members.
    pub fn add_group(&self, id: &str, subject: &str, members: &[u64]) {
        self.shared.state().groups.insert(id.to_owned(), (subject.to_owned(), members.to_vec()));
    }

    /// `by` gives a group another name, and the device of `by` is told.
    pub fn rename_group(&self, id: &str, subject: &str, by: u64) {
        let mut state = self.shared.state();
        if let Some(group) = state.groups.get_mut(id) {
            group.0 = subject.to_owned();
        }
        state.next += 1;
        let notification = format!("group-{}", state.next);
        let subject = NodeBuilder::new("subject").attr("subject", subject.to_owned()).attr("s_t", now().to_string());
        let stanza = NodeBuilder::new("notification")
            .attr("from", id.to_owned())
            .attr("type", "w:gp2")
            .attr("id", notification.clone())
            .attr("participant", lid(by))
            .attr("t", now().to_string())
            .children([subject.build()])
            .build();
        relay::keep(&mut state, by, Kept { id: notification, receipt: None, stanza });
    }

    /// The stanzas with this tag that came from clients, in their order.
    pub fn seen(&self, tag: &str) -> Vec<Node> {
        self.shared.state().seen.iter().filter(|node| &*node.tag == tag).cloned().collect()
    }
}
