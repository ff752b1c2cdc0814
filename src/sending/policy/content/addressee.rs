//! Where a message calls its recipient by name: behind a greeting, a thanks or a wish ("Dear Anna Smith, …", "Hola Lucía:"),
//! at the very beginning ("Anna, …"), and behind a comma ("…, Anna!"). What somebody is called decides nothing about a message.
//!
//! Rules: the place decides, and how a name is written (letters, capitals where the script has them); no name is known
//! here. Whether such words really are a name, or an advertisement in its place ("Dear FREE GIFT, …"), is for who knows
//! the rules' phrases: `matcher.rs`.

use crate::model::text;
use std::{ops::Range, sync::LazyLock};

/// How many places at most.
pub const MOST: usize = 3;

/// How far into a message a greeting is looked for, in bytes.
const REACH: usize = 160;

/// Of how many words a name is at most.
const LONGEST: usize = 5;

/// How many commas are looked behind.
const COMMAS: usize = 12;

/// What a name follows, by language, in one to three words.
const GREETINGS: &str = "hi|hello|hey|hiya|dear|my dear|good morning|good afternoon|good evening|good day|thanks|thank you|\
    many thanks|welcome|welcome back|greetings|happy birthday|congratulations|congrats|sorry|\
    hallo|hallöchen|moin|servus|grüezi|grüß gott|guten tag|guten morgen|guten abend|liebe|lieber|liebes|sehr geehrte|\
    sehr geehrter|geehrte|geehrter|danke|vielen dank|willkommen|herzlich willkommen|alles gute|herzlichen glückwunsch|\
    hola|buenas|buenos dias|buenas tardes|buenas noches|buen dia|estimada|estimado|querida|querido|apreciada|apreciado|\
    gracias|muchas gracias|bienvenida|bienvenido|feliz cumpleaños|felicidades|enhorabuena|\
    olá|oi|oie|ei|bom dia|boa tarde|boa noite|prezada|prezado|cara|caro|obrigado|obrigada|muito obrigado|muito obrigada|\
    bem vinda|bem vindo|parabéns|feliz aniversário|\
    bonjour|bonsoir|salut|coucou|cher|chère|merci|merci beaucoup|bienvenue|joyeux anniversaire|bon anniversaire|félicitations|\
    ciao|salve|buongiorno|buon giorno|buonasera|buona sera|buon pomeriggio|gentile|gentilissima|gentilissimo|egregio|egregia|\
    grazie|grazie mille|benvenuta|benvenuto|buon compleanno|auguri|complimenti|\
    merhaba|merhabalar|selam|selamlar|sayın|değerli|sevgili|kıymetli|günaydın|iyi günler|iyi akşamlar|teşekkürler|\
    teşekkür ederiz|hoş geldin|hoş geldiniz|hoşgeldin|hoşgeldiniz|tebrikler|mutlu yıllar|iyi ki doğdun|\
    halo|hai|selamat pagi|selamat siang|selamat sore|selamat malam|pagi|siang|sore|malam|yth|yang terhormat|kepada|kepada yth|\
    assalamualaikum|terima kasih|makasih|selamat datang|selamat ulang tahun|selamat|permisi|\
    привет|здравствуй|здравствуйте|доброе утро|добрый день|добрый вечер|доброго дня|уважаемая|уважаемый|дорогая|дорогой|\
    спасибо|большое спасибо|добро пожаловать|с днем рождения|поздравляем|приветствуем|\
    مرحبا|مرحبا بك|أهلا|أهلا وسهلا|أهلا بك|هلا|السلام عليكم|صباح الخير|مساء الخير|عزيزي|عزيزتي|تحية طيبة|شكرا|شكرا لك|\
    شكرا جزيلا|عزيزنا|عزيزتنا|الفاضل|الفاضلة|المحترم|حياك الله|يا هلا|\
    שלום|שלום רב|שלום לך|היי|הי|הלו|אהלן|בוקר טוב|צהריים טובים|ערב טוב|יום טוב|לכבוד|יקר|יקרה|תודה|תודה רבה|ברוך הבא|\
    ברוכה הבאה|מזל טוב|יום הולדת שמח";

/// What stands between a greeting and a name.
const TITLES: &str = "mr|mrs|ms|miss|mx|dr|prof|sir|madam|herr|frau|familie|sr|sra|srta|don|doña|señor|señora|señorita|senhor|\
    senhora|dona|dra|m|mme|mlle|monsieur|madame|mademoiselle|signor|signora|signorina|sig|sigra|signa|dott|dottoressa|dottssa|profssa|avv|ing|bay|bayan|\
    bapak|bpk|pak|ibu|bu|kak|kakak|mas|mbak|sdr|sdri|saudara|saudari|господин|госпожа|السيد|السيدة|سيد|سيدة|أستاذ|الأستاذ|\
    أستاذة|الأستاذة|دكتور|الدكتور|د|دكتورة|الدكتورة|يا|أخي|أختي|الأخ|الأخت|مهندس|מר|גברת|גב|דר";

/// Small words inside a name: "Maria da Silva", "Anna and Tom".
const PARTICLES: &str = "da|de|di|do|dos|das|del|la|van|von|der|den|bin|al|el|y|e|und|and|et|ve|и|ו|و";

/// Words that are half a name in a script without capitals.
const FIRST_HALVES: &str = "عبد|أبو|أم|بن|بنت|آل|ابن|בן|בת";

/// The lists above by the hashes of their folded words, sorted.
struct Openings {
    greetings: Vec<u64>,
    /// The first words of greetings of several.
    firsts: Vec<u64>,
    titles: Vec<u64>,
    particles: Vec<u64>,
    halves: Vec<u64>,
}

static OPENINGS: LazyLock<Openings> = LazyLock::new(|| {
    let sorted = |words: &mut dyn Iterator<Item = u64>| {
        let mut words: Vec<u64> = words.collect();
        words.sort_unstable();
        words.dedup();
        words.shrink_to_fit();
        words
    };
    let whole = |phrase: &str| phrase.split(' ').fold(SEED, hash);
    let first = |phrase: &str| phrase.split_once(' ').map(|(first, _)| hash(SEED, first));
    Openings {
        greetings: sorted(&mut GREETINGS.split('|').map(whole)),
        firsts: sorted(&mut GREETINGS.split('|').filter_map(first)),
        titles: sorted(&mut TITLES.split('|').map(whole)),
        particles: sorted(&mut PARTICLES.split('|').map(whole)),
        halves: sorted(&mut FIRST_HALVES.split('|').map(whole)),
    }
});

const SEED: u64 = 0xcbf2_9ce4_8422_2325;

/// The FNV-1a hash of `word`, folded and without full stops, behind the words hashed `before`.
fn hash(before: u64, word: &str) -> u64 {
    let mut hash = before ^ 0x20;
    let mut add = |c: u32| hash = (hash ^ u64::from(c)).wrapping_mul(0x0100_0000_01b3);
    if word.is_ascii() {
        word.bytes().filter(|b| *b != b'.').for_each(|b| add(u32::from(b.to_ascii_lowercase())));
        return hash;
    }
    for c in word.chars().filter(|c| *c != '.') {
        match text::everyday(c) {
            Some(letter) => add(u32::from(letter)),
            None => text::fold(c, &mut |c| add(u32::from(c))),
        }
    }
    hash
}

/// Places where a name stands: byte ranges, ascending.
#[derive(Clone, Copy, Default, Debug)]
pub struct Names {
    at: [(usize, usize); MOST],
    n: usize,
}

impl Names {
    /// The places.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = Range<usize>> + ExactSizeIterator + '_ {
        self.at[..self.n].iter().map(|(from, to)| *from..*to)
    }

    /// Whether one of them overlaps `from..to`.
    pub fn overlap(&self, from: usize, to: usize) -> bool {
        self.at[..self.n].iter().any(|known| known.0 < to && from < known.1)
    }

    /// Adds a place that overlaps none; none are added to [`MOST`].
    pub fn add(&mut self, range: Range<usize>) {
        if self.n < MOST && !range.is_empty() && !self.overlap(range.start, range.end) {
            self.at[self.n] = (range.start, range.end);
            self.n += 1;
            self.at[..self.n].sort_unstable();
        }
    }
}

/// Which bytes are looked at: marks behind which a name or a greeting may stand.
const MARKS: [bool; 256] = {
    let mut marks = [false; 256];
    let bytes = b",\n:!.?-*_|(\xd8\xe2\xf0";
    let mut i = 0;
    while i < bytes.len() {
        marks[bytes[i] as usize] = true;
        i += 1;
    }
    marks
};

/// Finds the places of `message`.
pub fn names(message: &str) -> Names {
    let mut found = Names::default();
    let Some(first) = CalledWord::at(message, 0) else { return found };
    found.add(greeted(message, &first).or_else(|| leading(message, &first)).unwrap_or_default());
    let bytes = message.as_bytes();
    let (mut commas, mut looked_at) = (0, first.start);
    for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| MARKS[usize::from(**byte)]) {
        let next = bytes.get(at + 1).copied().unwrap_or(0);
        let comma = if *byte == b',' { 1 } else { 2 * usize::from(*byte == 0xd8 && next == 0x8c) };
        if comma > 0 && commas < COMMAS {
            commas += 1;
            found.add(called(message, at + comma).unwrap_or_default());
        }
        let start = match *byte {
            b'\n' | b'*' | b'_' | b'|' | b'(' => at + 1,
            b':' | b'!' | b'.' | b'?' | b'-' if next.is_ascii_whitespace() => at + 1,
            // Dashes and other signs; emoji.
            0xe2 => at + 3,
            0xf0 => at + 4,
            _ => continue,
        };
        if at < REACH
            && let Some(word) = CalledWord::at(message, start)
            && word.start > looked_at
        {
            looked_at = word.start;
            found.add(greeted(message, &word).unwrap_or_default());
        }
    }
    found
}

/// A word and what stands around it.
#[derive(Clone, Copy)]
struct CalledWord<'a> {
    /// Without the punctuation around it; empty: there is nothing else.
    core: &'a str,
    /// Where the core begins …
    start: usize,
    /// … and ends.
    end: usize,
    /// Where the chunk between white space ends.
    next: usize,
}

impl<'a> CalledWord<'a> {
    fn at(message: &'a str, from: usize) -> Option<Self> {
        let from = message.len() - message[from..].trim_start().len();
        let rest = &message[from..];
        let chunk = &rest[..rest.find(char::is_whitespace).unwrap_or(rest.len())];
        let is_outer = |c: char| !(is_letter(c) || c == '&' || c.is_numeric() || is_mark(c));
        let core = chunk.trim_matches(is_outer);
        let start = if core.is_empty() { from } else { core.as_ptr() as usize - message.as_ptr() as usize };
        (!chunk.is_empty()).then_some(Self { core, start, end: start + core.len(), next: from + chunk.len() })
    }

    /// Of one of these lists.
    fn is_one_of(&self, list: &[u64]) -> bool {
        list.binary_search(&hash(SEED, self.core)).is_ok()
    }

    /// Whether a line ends behind it, or the message.
    fn ends_line(&self, message: &str) -> bool {
        let behind = message[self.next..].trim_start_matches([' ', '\t', '\u{a0}']);
        behind.is_empty() || behind.starts_with(['\n', '\r'])
    }

    fn tail(&self, message: &'a str) -> &'a str {
        message[self.end..self.next].trim_start_matches(['*', '_', '~'])
    }

    /// Whether a name would end here.
    fn ends_name(&self, message: &str) -> bool {
        let is_initial = self.core.chars().count() == 1;
        let tail = self.tail(message);
        self.ends_line(message)
            || tail.starts_with([',', '!', ':', ';', '?', '،', '؛', '؟', '…', ')'])
            || (!is_initial && tail.starts_with('.'))
            || message[self.next..].trim_start().starts_with(['-', '–', '—'])
    }

    /// Whether it may be a word of a name.
    fn is_name(&self) -> bool {
        let is_part =
            |c: char| is_letter(c) || matches!(c, '.' | '\'' | '’' | '-') || text::is_invisible(c) || is_mark(c);
        !self.core.is_empty() && self.core.chars().all(is_part)
    }

    fn has_capital(&self) -> bool {
        self.core.chars().next().is_some_and(char::is_uppercase)
    }

    /// Of a script that has no capitals.
    fn is_uncased(&self) -> bool {
        self.core.chars().next().is_some_and(|c| !c.is_uppercase() && !c.is_lowercase())
    }
}

fn is_letter(c: char) -> bool {
    text::everyday(c).is_some() || (!c.is_ascii() && c.is_alphabetic())
}

fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{670}')
}

/// The name behind a greeting or a title that begins with `first`.
fn greeted(message: &str, first: &CalledWord<'_>) -> Option<Range<usize>> {
    let mut before = opening(message, first)?;
    // "Olá, bom dia, Maria": one greeting behind another, and titles before a name.
    while let Some(word) = CalledWord::at(message, before.next)
        && let Some(further) = opening(message, &word)
    {
        before = further;
    }
    let tail = before.tail(message);
    if before.ends_line(message) || !(tail.is_empty() || matches!(tail, "," | "،" | ".")) {
        return None;
    }
    name(message, before.next, tail.is_empty() || tail == ".")
}

/// The last word of the greeting or title that begins with `first`: of one word, or of up to three.
fn opening<'a>(message: &'a str, first: &CalledWord<'a>) -> Option<CalledWord<'a>> {
    let is_known = |hash: u64| OPENINGS.greetings.binary_search(&hash).is_ok();
    let mut last = *first;
    let mut hashed = hash(SEED, first.core);
    let is_whole = is_known(hashed) || OPENINGS.titles.binary_search(&hashed).is_ok();
    let mut known = is_whole.then_some(last);
    if OPENINGS.firsts.binary_search(&hashed).is_ok() {
        for _ in 0..2 {
            let Some(word) = CalledWord::at(message, last.next).filter(|_| last.tail(message).is_empty()) else {
                break;
            };
            hashed = hash(hashed, word.core);
            last = word;
            known = if is_known(hashed) { Some(last) } else { known };
        }
    }
    known
}

/// The name that begins at `from`: up to the mark that ends it, or as far as words look like one. `direct`: nothing
/// parts it from the greeting.
fn name(message: &str, from: usize, direct: bool) -> Option<Range<usize>> {
    let mut words: [Option<CalledWord<'_>>; LONGEST] = [None; LONGEST];
    let mut n = 0;
    let mut at = from;
    let mut is_ended = false;
    while n < LONGEST
        && !is_ended
        && let Some(word) = CalledWord::at(message, at).filter(CalledWord::is_name)
    {
        is_ended = word.ends_name(message);
        at = word.next;
        words[n] = Some(word);
        n += 1;
    }
    let list = || words[..n].iter().flatten();
    let first = words[0]?;
    let uncased = list().filter(|w| w.is_uncased() && !w.is_one_of(&OPENINGS.halves)).count();
    let fits = |w: &CalledWord<'_>| w.has_capital() || w.is_uncased() || w.is_one_of(&OPENINGS.particles);
    let is_whole = is_ended && list().all(fits) && uncased <= if direct { 2 } else { 1 };
    let is_short = is_ended && n == 1 && direct;
    if is_whole || is_short {
        return Some(first.start..words[n - 1]?.end);
    }
    let mut end = None;
    for word in list() {
        if word.has_capital() {
            end = Some(word.end);
            continue;
        }
        if direct && end.is_none() && word.is_uncased() {
            if word.is_one_of(&OPENINGS.halves) {
                continue;
            }
            end = Some(word.end);
        }
        break;
    }
    end.map(|end| first.start..end)
}

/// The name at the very beginning, before a comma: "Anna, …".
fn leading(message: &str, first: &CalledWord<'_>) -> Option<Range<usize>> {
    if opening(message, first).is_some() {
        return None;
    }
    let mut word = *first;
    for n in 1..=3 {
        if !word.is_name() || !(word.has_capital() || (word.is_uncased() && n < 3)) {
            return None;
        }
        if word.tail(message).starts_with([',', '،']) {
            return Some(first.start..word.end);
        }
        if !word.tail(message).is_empty() || word.ends_line(message) {
            return None;
        }
        word = CalledWord::at(message, word.next)?;
    }
    None
}

/// The name behind the comma that ends at `from`, if a sentence ends behind it: "…, Anna!".
fn called(message: &str, from: usize) -> Option<Range<usize>> {
    let mut next = message.as_bytes()[from..].iter().copied();
    // Most of what follows a comma begins with a small letter.
    if !next.next().is_some_and(|b| b.is_ascii_whitespace()) || next.next().is_some_and(|b| b.is_ascii_lowercase()) {
        return None;
    }
    let first = CalledWord::at(message, from).filter(CalledWord::is_name)?;
    let ends = |w: &CalledWord<'_>| w.ends_line(message) || w.tail(message).starts_with(['!', '.', '?', '؟']);
    if ends(&first) {
        return (first.has_capital() || first.is_uncased()).then_some(first.start..first.end);
    }
    let second = CalledWord::at(message, first.next).filter(CalledWord::is_name)?;
    let are_capital = first.has_capital() && second.has_capital() && first.tail(message).is_empty();
    (are_capital && ends(&second)).then_some(first.start..second.end)
}

#[cfg(test)]
#[path = "addressee_tests.rs"]
mod tests;
