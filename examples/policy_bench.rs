//! What one check of the content policy costs, and what rules and model weigh.
//!
//! `cargo run --release --example policy_bench [FILE]`: built-in messages of about 200 characters are judged, and one of
//! them twenty times over, which shows that the cost is linear; FILE is tab-separated with the text in its last column.
//! Times are medians of 200 rounds. Memory is counted by the policy itself, and seen from outside as what the process grew by
//! while the policy was made and every sample judged once (the table of the model is part of the program's file and is
//! counted where it is read).

use std::{error::Error, fs, hint::black_box, time::Instant};
use wa_gateway::{
    model::purpose::Purpose,
    ops::memory::{release_unused, resident_bytes},
    sending::policy::content::{ContentPolicy, fingerprint},
};

const SAMPLES: [(&str, &str); 4] = [
    (
        "English, 200 characters",
        "Hello Maria, your order 20418 has left our warehouse and will arrive on Thursday between 9 and 12. The driver \
         calls you half an hour before. Track it here: https://shop.example/t/20418 Thank you!",
    ),
    (
        "English advertisement",
        "🔥 MEGA SALE! Up to 70% OFF everything this weekend only. Don't miss out: shop now at https://bit.ly/3abcd and \
         use code SAVE20 at checkout for free shipping. Offer ends Sunday, while stocks last!",
    ),
    (
        "Arabic, 200 characters",
        "مرحبا أحمد، تم شحن طلبك رقم ٢٠٤١٨ وسيصل يوم الخميس بين التاسعة صباحا والثانية عشرة ظهرا. سيتصل بك السائق قبل \
         الوصول بنصف ساعة. شكرا لتعاملك معنا ونتمنى لك يوما سعيدا، فريق خدمة العملاء في المتجر",
    ),
    (
        "Russian, 200 characters",
        "Здравствуйте, Мария! Ваш заказ 20418 передан в службу доставки и прибудет в четверг с 9 до 12 часов. Курьер \
         позвонит вам за полчаса до приезда. Спасибо, что выбираете нас, и хорошего дня вам и вашим близким!",
    ),
];

#[expect(clippy::disallowed_methods, reason = "measuring needs the machine's clock")]
fn main() -> Result<(), Box<dyn Error>> {
    let before = resident_bytes().unwrap_or(0);
    let started = Instant::now();
    let policy = ContentPolicy::built_in();
    println!(
        "{} phrases compiled in {:.1} ms, {} KiB",
        policy.phrases(),
        started.elapsed().as_secs_f64() * 1e3,
        policy.memory_usage() / 1024
    );
    for (_, text) in SAMPLES {
        black_box(policy.score(Purpose::Transactional, black_box(text)));
    }
    // As the gateway does when it has started: compiling needs some megabytes for a moment.
    release_unused();
    println!("{} KiB resident more than before", resident_bytes().unwrap_or(0).saturating_sub(before) / 1024);
    let long =
        [("the first, twenty times", SAMPLES[0].1.repeat(20)), ("the second, twenty times", SAMPLES[1].1.repeat(20))];
    let samples = SAMPLES.into_iter().chain(long.iter().map(|(name, text)| (*name, text.as_str())));
    for (name, text) in samples {
        let each = time(100, || {
            black_box(policy.score(Purpose::Transactional, black_box(text)));
        });
        println!("{name:<26} {:>4} characters {each:>6.2} µs", text.chars().count());
    }
    let each = time(100, || {
        black_box(fingerprint(black_box(SAMPLES[0].1), &["Maria"]));
    });
    println!("{:<26} {:>4} characters {each:>6.2} µs", "fingerprint", SAMPLES[0].1.chars().count());
    if let Some(file) = std::env::args().nth(1) {
        let text = fs::read_to_string(&file)?;
        let lines: Vec<&str> = text.lines().skip(1).filter_map(|l| l.rsplit('\t').next()).collect();
        let each = time(1, || {
            for line in &lines {
                black_box(policy.score(Purpose::Transactional, black_box(line)));
            }
        });
        println!("{} messages of {file}: {:.2} µs each", lines.len(), each / lines.len() as f64);
    }
    Ok(())
}

/// How many rounds a median is of.
const ROUNDS: usize = 200;

/// Microseconds a call: the median of rounds of so many calls, after a warm-up of ten rounds.
#[expect(clippy::disallowed_methods, reason = "measuring needs the machine's clock")]
fn time(calls: u32, mut work: impl FnMut()) -> f64 {
    let mut round = || {
        let started = Instant::now();
        for _ in 0..calls {
            work();
        }
        started.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
    };
    for _ in 0..10 {
        round();
    }
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round()).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}
