//! Whether two programs are answering each other. A person may ask as often as they like and is answered each time; a
//! program is known by what it does: it says the same thing again and again, gives back what it was told, or never takes
//! longer than a moment.

use crate::model::clock::Time;
use std::time::Duration;

/// What is looked at lies within this time.
pub const LOOP_WINDOW: Duration = Duration::from_secs(10 * 60);
/// So many messages of either side are looked at.
pub const LOOKED_AT: u32 = 60;
/// The same text so often within [`LOOP_WINDOW`], each answered, is no person's.
const SAME_TEXT: usize = 12;
/// Our own answers come back so often.
const ECHOES: usize = 3;
/// So many messages in a row, each within [`AT_ONCE`] after our answer to the one before.
const TURNS: usize = 30;
const AT_ONCE: Duration = Duration::from_secs(4);

/// A text and when it was heard or said.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    pub at: Time,
    pub text: String,
}

/// Why this is two programs talking: `heard` is what came in, `told` what was answered automatically, both newest first
/// and within [`LOOP_WINDOW`]. None: it may well be a person.
pub fn why(heard: &[Said], told: &[Said]) -> Option<&'static str> {
    let newest = heard.first()?;
    let same = heard.iter().filter(|one| is_same(&one.text, &newest.text)).count();
    if same > SAME_TEXT && told.len() >= SAME_TEXT {
        return Some("the same text comes again and again");
    }
    let echoes = heard.iter().filter(|one| told.iter().any(|ours| ours.at <= one.at && is_same(&ours.text, &one.text)));
    if echoes.count() >= ECHOES {
        return Some("our own answers come back");
    }
    (turns(heard, told) >= TURNS).then_some("every answer is answered at once")
}

/// How many messages, from the newest back, came at once after an answer of ours to the one before.
fn turns(heard: &[Said], told: &[Said]) -> usize {
    let follows = |pair: &[Said]| {
        let (later, earlier) = (pair[0].at, pair[1].at);
        told.iter().any(|ours| ours.at >= earlier && ours.at <= later && later.since(ours.at) <= AT_ONCE)
    };
    heard.windows(2).take_while(|pair| follows(pair)).count()
}

fn is_same(one: &str, other: &str) -> bool {
    let words = |text: &str| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>();
    let (one, other) = (words(one), words(other));
    !one.is_empty() && one == other
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Turns of `gap` seconds each, newest first: what is heard, and an answer one second later.
    fn talk(n: i64, gap: i64, says: impl Fn(i64) -> String, answers: impl Fn(i64) -> String) -> [Vec<Said>; 2] {
        let said = |text: String, s: i64| Said { at: Time::from_millis(s * 1000), text };
        let heard = (0..n).rev().map(|k| said(says(k), k * gap)).collect();
        let told = (0..n - 1).rev().map(|k| said(answers(k), k * gap + 1)).collect();
        [heard, told]
    }

    #[test]
    fn people_are_answered_however_often_they_ask() {
        let question = |k: i64| format!("Question {k}?");
        let answer = |k: i64| format!("Answer {k}");
        for (n, gap) in [(1, 60), (9, 5), (20, 3), (50, 10)] {
            let [heard, told] = talk(n, gap, question, answer);
            assert_eq!(why(&heard, &told), None, "{n} questions, one in {gap} s");
        }
        let [heard, told] = talk(12, 20, |_| "menu".into(), |_| "1 opening hours, 2 prices".into());
        assert_eq!(why(&heard, &told), None, "the same word a dozen times");
        // Many at once, before anything was answered.
        let [heard, _] = talk(50, 0, question, answer);
        assert_eq!(why(&heard, &[]), None);
    }

    #[test]
    fn programs_are_recognised() {
        let same = talk(13, 20, |_| "We are  closed.".into(), |k| format!("Thank you, {k}"));
        let echo = talk(5, 60, |k| format!("Thank you, {}", k - 1), |k| format!("Thank you, {k}"));
        let quick = talk(31, 2, |k| format!("line {k}"), |k| format!("echo of {k}"));
        let expected =
            ["the same text comes again and again", "our own answers come back", "every answer is answered at once"];
        for ([heard, told], expected) in [same, echo, quick].into_iter().zip(expected) {
            assert_eq!(why(&heard, &told), Some(expected));
        }
    }
}
