//! Messages and receipts between devices. What is brought to a device is kept until it acknowledges it.

use super::{Fault, Kept, Out, Shared, State, attribute, children, jid_attribute, lid, number_of, pn};
use tokio::sync::mpsc::UnboundedSender;
use whatsapp_rust::{
    Jid, NodeBuilder,
    wacore_binary::{JidExt as _, Node},
};

pub(super) fn message(shared: &Shared, me: u64, out: &UnboundedSender<Out>, node: &Node) {
    let mut state = shared.state();
    let Some(to) = jid_attribute(node, "to") else { return };
    let id = attribute(node, "id");
    let ack = NodeBuilder::new("ack").attr("class", "message").attr("from", to.clone()).attr("id", id.clone());
    let ack = ack.attr("t", super::now().to_string());
    let is_own = number_of(&to) == Some(me);
    let fault = if is_own { None } else { state.faults.pop_front() };
    if let Some(Fault::Nack(code)) = fault {
        let _ = out.send(Out::Stanza(ack.attr("error", code).build()));
        return;
    }
    if !is_own {
        state.taken.push((me, number_of(&to).unwrap_or_default(), id.clone()));
    }
    if fault.is_none() {
        let _ = out.send(Out::Stanza(ack.build()));
    }
    let travelling = state.renamed.get_mut(&me).and_then(std::collections::VecDeque::pop_front).unwrap_or(id);
    for (device, mut kids) in parts(&state, node, &to) {
        // Phones themselves are not played: they get nothing.
        let is_linked = device.device == 1;
        let Some(real) = state.device_of(&device).filter(|real| is_linked && *real != me) else { continue };
        kids.extend(node.get_optional_child("device-identity").cloned());
        let brought = brought(node, me, (&to, &device), &travelling, kids);
        keep(&mut state, real, Kept { id: travelling.clone(), receipt: None, stanza: brought });
    }
    if fault == Some(Fault::Breaks) {
        let _ = out.send(Out::End);
    }
}

/// What goes to which device: in a group the text to every member's, after the key that some get.
fn parts(state: &State, node: &Node, to: &Jid) -> Vec<(Jid, Vec<Node>)> {
    let named = children(node.get_optional_child("participants")).iter();
    let named: Vec<(Jid, Vec<Node>)> =
        named.filter_map(|part| Some((jid_attribute(part, "jid")?, children(Some(part)).to_vec()))).collect();
    if to.is_group() {
        let text = children(Some(node)).iter().filter(|kid| &*kid.tag == "enc").cloned();
        let text: Vec<Node> = text.collect();
        let members = state.groups.get(&to.to_string()).map(|(_, members)| members.clone()).unwrap_or_default();
        let of = |member| {
            let device = lid(member).with_device(1);
            let key = named.iter().find(|(jid, _)| jid.is_same_user_as(&device) && jid.device == 1);
            let kids = key.map(|(_, kids)| kids.clone()).unwrap_or_default();
            (device, kids.into_iter().chain(text.clone()).collect())
        };
        return members.into_iter().map(of).collect();
    }
    match named.is_empty() {
        true => vec![(to.with_device(1), node.children().unwrap_or(&[]).to_vec())],
        false => named,
    }
}

/// A phone rings a device.
pub(super) fn ring(state: &mut State, (from, to): (u64, u64), call: &str) {
    let audio = NodeBuilder::new("audio").attr("enc", "opus").attr("rate", "16000").build();
    let offer = NodeBuilder::new("offer").attr("caller_pn", pn(from)).children([audio]);
    call_stanza(state, (from, to), call, offer);
}

/// The phone gives up.
pub(super) fn hang_up(state: &mut State, (from, to): (u64, u64), call: &str) {
    call_stanza(state, (from, to), call, NodeBuilder::new("terminate").attr("reason", "timeout"));
}

fn call_stanza(state: &mut State, (from, to): (u64, u64), call: &str, action: NodeBuilder) {
    state.next += 1;
    let id = format!("call-{}", state.next);
    let action = action.attr("call-id", call.to_owned()).attr("call-creator", lid(from)).build();
    let stanza = NodeBuilder::new("call").attr("from", lid(from)).attr("id", id.clone()).attr("notify", "Customer");
    let stanza = stanza.attr("t", super::now().to_string()).children([action]).build();
    keep(state, to, Kept { id, receipt: None, stanza });
}

/// The stanza as the recipient's device gets it: from the writer, under the name that it was written to under.
fn brought(node: &Node, me: u64, (to, device): (&Jid, &Jid), id: &str, kids: Vec<Node>) -> Node {
    let by_lid = device.is_lid();
    let (from, other) = if by_lid { (lid(me), pn(me)) } else { (pn(me), lid(me)) };
    let from = from.with_device(1);
    let mut stanza = NodeBuilder::new("message")
        .attr("type", attribute(node, "type"))
        .attr("id", id.to_owned())
        .attr("t", super::now().to_string())
        .attr("notify", "Customer");
    stanza = if to.is_group() {
        stanza
            .attr("from", to.clone())
            .attr("participant", from)
            .attr("participant_pn", pn(me))
            .attr("addressing_mode", "lid")
    } else {
        stanza.attr("from", from).attr(if by_lid { "sender_pn" } else { "sender_lid" }, other)
    };
    stanza.children(kids).build()
}

/// Keeps a stanza for a device, and brings it if the device is there.
pub(super) fn keep(state: &mut State, number: u64, kept: Kept) {
    if let Some(online) = state.online.get(&number) {
        let _ = online.send(Out::Stanza(kept.stanza.clone()));
    }
    state.kept.entry(number).or_default().push(kept);
}

/// Brings all that a device has not acknowledged; how much that is.
pub(super) fn bring_kept(state: &State, number: u64) -> usize {
    let kept = state.kept.get(&number).map_or(&[][..], Vec::as_slice);
    if let Some(online) = state.online.get(&number) {
        for one in kept {
            let mut again = one.stanza.clone();
            again.attrs.insert("offline".to_owned(), "0".to_owned());
            let _ = online.send(Out::Stanza(again));
        }
    }
    kept.len()
}

/// A receipt acknowledges what it is about, and goes on to who wrote that.
pub(super) fn receipt(shared: &Shared, me: u64, out: &UnboundedSender<Out>, node: &Node) {
    let mut state = shared.state();
    let id = attribute(node, "id");
    // What was asked for again was not acknowledged.
    if &*node.tag == "ack" || attribute(node, "type") != "retry" {
        // What came together is acknowledged together: the first by its id, the others in a list.
        let others = children(node.get_optional_child("list")).iter().map(|item| attribute(item, "id"));
        let all: Vec<String> = others.chain([id.clone()]).collect();
        let receipt = (attribute(node, "class") == "receipt").then(|| attribute(node, "type"));
        state.kept.entry(me).or_default().retain(|kept| kept.receipt != receipt || !all.contains(&kept.id));
    }
    if &*node.tag == "ack" {
        return;
    }
    // That a call arrived is nothing that its caller's device is told.
    if node.get_optional_child("offer").is_some() {
        return;
    }
    let Some(to) = jid_attribute(node, "to") else { return };
    let ack = NodeBuilder::new("ack").attr("class", "receipt").attr("from", to.clone()).attr("id", id.clone());
    let _ = out.send(Out::Stanza(ack.build()));
    let Some(real) = state.device_of(&to).filter(|real| *real != me) else { return };
    let from = if to.is_lid() { lid(me) } else { pn(me) };
    let mut told = NodeBuilder::new("receipt").attr("from", from.with_device(1)).attr("id", id.clone());
    told = told.attr("t", super::now().to_string());
    let kind = attribute(node, "type");
    if !kind.is_empty() {
        told = told.attr("type", kind.clone());
    }
    let stanza = told.children(node.children().unwrap_or(&[]).to_vec()).build();
    keep(&mut state, real, Kept { id, receipt: Some(kind), stanza });
}
