//! kill -9 of the real program at each step, with a phone on the other side: while it is linked, while a message leaves
//! and while one comes, and while receipts come. Nothing is lost or told twice on either side, and where nobody can know
//! the log says so.

use super::{
    rig::OWN,
    trial::{CUSTOMER, LINE, Trial},
};
use crate::harness::{program::wait_until, whatsapp::Fault};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Wherever the linking is cut, one scan more at the most links it, and the phone lists one device.
#[test]
fn linking_is_gone_on_with_or_begun_anew() {
    // What of the client is lost on the way, so that it stands there when it is killed; nothing: codes are shown.
    for (tag, child) in [("", ""), ("iq", "pair-device-sign"), ("iq", "list"), ("iq", "active")] {
        let mut trial = Trial::unlinked();
        if tag.is_empty() {
            trial.place.json(&["instance", "pair", LINE]);
        } else {
            trial.service.lose(OWN, tag, child);
            trial.scan();
            wait_until("it stands there", || trial.service.were_lost() > 0);
        }
        trial.kill();
        trial.service.lose_nothing();
        trial.start();
        let mut state = String::new();
        wait_until("it knows where it stands", || {
            state = trial.status()["state"].as_str().expect("a state").to_owned();
            // The phone may have signed for keys that it was never told of: those are given up, and it says so.
            matches!(state.as_str(), "qr" | "close") || state == "open" && trial.service.is_linked(OWN)
        });
        if state != "open" {
            assert!(!trial.service.lists(OWN), "{tag} {child}: the phone lists a device that does not know of it");
            trial.link();
        }
        trial.until_open();
        trial.send("first").join().expect("sent").expect("an answer");
        trial.until_status("delivered");
        assert_eq!(trial.arrived().into_values().collect::<Vec<_>>(), [1], "{tag} {child}");
    }
}

#[test]
fn a_message_on_its_way_is_unknown_until_its_receipt_comes() {
    // It was asked who the recipient is; nothing left.
    let mut trial = Trial::linked();
    trial.service.lose(OWN, "iq", "usync");
    let caller = trial.send("asked");
    wait_until("it asks", || trial.service.were_lost() > 0);
    trial.kill_and_come_back();
    assert!(caller.join().expect("ended").is_none());
    assert_eq!(trial.only().status, "unknown");
    assert!(
        trial.service.taken().is_empty() && trial.arrived().is_empty(),
        "and it is not sent behind the caller's back"
    );

    // WhatsApp has it, and its word did not come.
    let mut trial = Trial::linked();
    trial.service.fault_next(Fault::Silent);
    let caller = trial.send("taken");
    wait_until("it is taken", || !trial.service.taken().is_empty());
    let id = trial.service.taken()[0].2.clone();
    trial.runtime.block_on(trial.customer.got(&id));
    trial.kill_and_come_back();
    assert!(caller.join().expect("ended").is_none());
    trial.until_status("delivered");
    trial.read(&id);
    trial.until_status("read");
    wait_until("it is told", || trial.told("message.read") == 1 && trial.told("message.delivered") == 1);
    assert_eq!((trial.arrived().into_values().collect::<Vec<_>>(), trial.service.taken().len()), (vec![1], 1));
}

#[test]
fn what_came_is_told_once_and_acknowledged_after_it_is_on_disk() {
    let mut trial = Trial::linked();
    for (n, lost) in ["receipt", "receipt", ""].into_iter().enumerate() {
        let (id, text) = (format!("msg_01CAME{n}"), format!("the {n}th"));
        if !lost.is_empty() {
            trial.service.lose(OWN, lost, "");
        }
        trial.write(&id, &text);
        if lost.is_empty() {
            wait_until("it is heard", || trial.heard().contains(&text));
        } else {
            wait_until("its acknowledgement is lost", || trial.service.were_lost() > 0);
            assert!(trial.heard().contains(&text), "acknowledged before it was on disk");
        }
        trial.kill_and_come_back();
        wait_until("all is acknowledged", || trial.service.kept(OWN) == 0);
    }
    assert_eq!(trial.heard(), ["the 0th", "the 1th", "the 2th"]);
    wait_until("all is told", || trial.told("message.received") == 3);
}

/// A receipt that comes while nobody is there is brought when somebody is.
#[test]
fn receipts_are_brought_later_and_told_once() {
    let mut trial = Trial::linked();
    trial.send("one").join().expect("sent").expect("an answer");
    let id = trial.service.taken()[0].2.clone();
    trial.until_status("delivered");
    trial.kill();
    trial.read(&id);
    trial.start();
    trial.until_status("read");
    wait_until("all is acknowledged", || trial.service.kept(OWN) == 0);
    wait_until("it is told", || trial.told("message.read") == 1);
    assert_eq!((trial.told("message.delivered"), trial.only().status.as_str()), (1, "read"));
}

/// Killed at any moment, with messages on their way in both directions.
#[test]
fn under_load_nothing_is_lost_or_doubled() {
    const ROUNDS: usize = 8;
    const WRITTEN: usize = 3;
    const CALLERS: usize = 2;
    let mut trial = Trial::linked();
    let mut told = Vec::new();
    for round in 0..ROUNDS {
        let answered = Arc::new(AtomicUsize::new(0));
        let callers: Vec<_> = (0..CALLERS).map(|n| trial.press(format!("r{round}-{n}"), answered.clone())).collect();
        for n in 0..WRITTEN {
            trial.write(&format!("msg_01LOAD{round}X{n}"), &format!("in {round} {n}"));
            if n == round % WRITTEN {
                let wanted = answered.load(Ordering::Acquire) + 1 + round % 4;
                wait_until("they are sent", || answered.load(Ordering::Acquire) >= wanted);
                trial.kill();
            }
        }
        told.extend(callers.into_iter().flat_map(|caller| caller.join().expect("ended")));
        trial.start();
        trial.until_open();
    }
    trial.kill_and_come_back();
    for number in [OWN, CUSTOMER] {
        wait_until("all that was brought is acknowledged", || trial.service.kept(number) == 0);
    }
    let arrived = trial.arrived();
    wait_until("each that arrived stands there once, as delivered", || {
        let log = trial.log();
        arrived.keys().all(|text| {
            let of: Vec<_> = log.iter().filter(|row| row.text == *text).collect();
            matches!(&of[..], [row] if row.status == "delivered")
        })
    });
    let log = trial.log();
    assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
    // One that the customer's phone could not read, and asked for again, is taken once more under its id.
    let taken = trial.service.taken().into_iter().filter(|(from, ..)| *from == OWN).map(|(.., id)| id);
    let got = trial.customer.messages().into_iter().filter(|message| message.text.is_some());
    let (taken, got): (BTreeSet<_>, BTreeSet<_>) = (taken.collect(), got.map(|m| m.provider_message_id).collect());
    assert_eq!(got, taken, "each that was taken is there, and no other: {log:?}");
    for one in &told {
        assert!(arrived.contains_key(one), "{one} was told sent");
    }
    let never: Vec<_> = log.iter().filter(|row| !arrived.contains_key(&row.text)).collect();
    assert!(never.iter().all(|row| matches!(row.status.as_str(), "unknown" | "failed")), "{never:?}");
    let mut expected: Vec<_> = (0..ROUNDS).flat_map(|r| (0..WRITTEN).map(move |n| format!("in {r} {n}"))).collect();
    let mut heard = trial.heard();
    heard.sort();
    expected.sort();
    assert_eq!(heard, expected);
    wait_until("all of it is told", || trial.told("message.received") == expected.len());
    println!("{ROUNDS} kills: {} messages told sent, {} arrived, {} unknown", told.len(), arrived.len(), never.len());
    assert!(told.len() >= ROUNDS, "there was hardly any load");
}
