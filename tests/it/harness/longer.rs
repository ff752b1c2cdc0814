//! Tests that try things by chance: short and the same in the quick run, longer and others where somebody asks for it.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// So many cases from this seed, unless the variables `NAME` and `NAME_SEED` say otherwise. Both are printed.
pub fn runner(name: &str, usual: u32) -> TestRunner {
    let (cases, seed) = (asked_for(name, usual), asked_for(&format!("{name}_SEED"), 1));
    println!("{name}={cases} {name}_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

#[expect(clippy::disallowed_methods, reason = "no configuration of the gateway: how long a test is to go on")]
fn asked_for(name: &str, usual: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}
