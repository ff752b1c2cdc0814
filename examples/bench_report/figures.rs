//! The figures in what a bench printed: every number, by a name that is the same in each run.

/// One number.
pub struct Figure {
    /// The line's words around it, or its column and the row's first number; and which of its kind it is.
    pub name: String,
    pub value: f64,
}

/// All of a bench's figures, in its order.
pub fn figures(printed: &str) -> Vec<Figure> {
    let mut all: Vec<Figure> = Vec::new();
    let mut columns: Vec<&str> = Vec::new();
    for line in printed.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let numbers: Vec<Option<f64>> = words.iter().map(|word| number(word)).collect();
        let is_row = !words.is_empty() && numbers.iter().all(Option::is_some) && numbers.len() == columns.len();
        if numbers.iter().all(Option::is_none) {
            columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
        }
        let skeleton = skeleton(&words, &numbers);
        for (at, value) in numbers.iter().enumerate().skip(usize::from(is_row)) {
            let Some(value) = value else { continue };
            let named = if is_row {
                format!("{} {}: {}", words[0], columns[0], columns[at])
            } else {
                format!("{skeleton} [{}]", numbers[..at].iter().flatten().count() + 1)
            };
            let same = all.iter().filter(|figure| figure.name.starts_with(&named)).count();
            let name = if same > 0 { format!("{named} ({})", same + 1) } else { named };
            all.push(Figure { name, value: *value });
        }
    }
    all
}

fn skeleton(words: &[&str], numbers: &[Option<f64>]) -> String {
    let kept: Vec<&str> = words.iter().zip(numbers).map(|(word, n)| if n.is_some() { "#" } else { *word }).collect();
    kept.join(" ")
}

/// The number that a word is, with what may hang on it: `+6.1`, `8123/s,`.
fn number(word: &str) -> Option<f64> {
    let word = word.trim_end_matches([',', ';', ':']);
    word.strip_suffix("/s").unwrap_or(word).parse().ok().filter(|n: &f64| n.is_finite())
}
