//! What one check of the content policy costs, and what its automaton weighs.
//!
//! `cargo run --release --example policy_bench [FILE]`: FILE is tab-separated with the text in its last column; without
//! it, a built-in message of about 200 characters is judged.

use std::{error::Error, fs, hint::black_box, time::Instant};
use wa_gateway::{
    model::purpose::Purpose,
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
    let started = Instant::now();
    let policy = ContentPolicy::built_in();
    println!(
        "{} phrases compiled in {:.1} ms, {} KiB",
        policy.phrases(),
        started.elapsed().as_secs_f64() * 1e3,
        policy.memory_usage() / 1024
    );
    for (name, text) in SAMPLES {
        let each = time(20_000, || {
            black_box(policy.score(Purpose::Transactional, black_box(text)));
        });
        println!("{name:<26} {:>3} characters {each:>6.2} µs", text.chars().count());
    }
    let each = time(20_000, || {
        black_box(fingerprint(black_box(SAMPLES[0].1), &["Maria"]));
    });
    println!("{:<26} {:>3} characters {each:>6.2} µs", "fingerprint", SAMPLES[0].1.chars().count());
    if let Some(file) = std::env::args().nth(1) {
        let text = fs::read_to_string(&file)?;
        let lines: Vec<&str> = text.lines().skip(1).filter_map(|l| l.rsplit('\t').next()).collect();
        let each = time(5, || {
            for line in &lines {
                black_box(policy.score(Purpose::Transactional, black_box(line)));
            }
        });
        println!("{} messages of {file}: {:.2} µs each", lines.len(), each / lines.len() as f64);
    }
    Ok(())
}

/// Microseconds a call, over `rounds` calls after a warm-up.
#[expect(clippy::disallowed_methods, reason = "measuring needs the machine's clock")]
fn time(rounds: u32, mut work: impl FnMut()) -> f64 {
    for _ in 0..rounds / 10 {
        work();
    }
    let started = Instant::now();
    for _ in 0..rounds {
        work();
    }
    started.elapsed().as_secs_f64() * 1e6 / f64::from(rounds)
}
