//! Phones by table, by the published examples of every region, and by property.

use super::*;
use proptest::prelude::*;

fn region(text: &str) -> Option<Region> {
    (!text.is_empty()).then(|| Region::parse(text).expect("a region"))
}

fn parsed(text: &str, default: &str) -> Result<String, PhoneError> {
    Phone::parse(text, region(default)).map(|p| p.to_string())
}

/// Of any length that E.164 allows.
fn taken(text: &str, default: &str) -> Result<String, PhoneError> {
    let how = PhoneReading { region: region(default), impossible: Impossible::Warn };
    Phone::parse(text, how).map(|p| p.to_string())
}

#[test]
fn every_spelling_is_the_same_number() {
    for (text, default, e164) in [
        ("+966501234567", "", "+966501234567"),
        ("00966501234567", "", "+966501234567"),
        ("966501234567", "", "+966501234567"),
        ("966501234567", "SA", "+966501234567"),
        ("0501234567", "SA", "+966501234567"),
        (" +966 50-123.4567\n", "", "+966501234567"),
        ("(+966) 50\u{a0}123\u{2009}4567", "", "+966501234567"),
        ("\u{200f}\u{202a}+966\u{2011}50\u{200b}1234567\u{202c}", "", "+966501234567"),
        ("＋９６６５０１２３４５６７", "", "+966501234567"),
        ("٠٥٠١٢٣٤٥٦٧", "SA", "+966501234567"),
        ("+٩٦٦ ٥٠ ١٢٣ ٤٥٦٧", "", "+966501234567"),
        ("۰۰۹۸۹۱۲۳۴۵۶۷۸۹", "", "+989123456789"),
        ("+966 050 123 4567", "", "+966501234567"),
        ("+44 (0)20 7946 0958", "", "+442079460958"),
        ("+44 (0)20 7946 0958", "SA", "+442079460958"),
        ("0044 (0) 20 7946 0958", "", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("+49 (0)30/901820", "", "+4930901820"),
        ("+39 (0)2 1234 5678", "", "+390212345678"),
        ("02 1234 5678", "IT", "+390212345678"),
        ("01 23 45 67 89", "CI", "+2250123456789"),
        ("06 20 123 4567", "HU", "+36201234567"),
        ("8 (912) 345-67-89", "RU", "+79123456789"),
        ("8 701 234 5678", "KZ", "+77012345678"),
        ("84 912 345 678 9", "RU", "+849123456789"),
        ("8 612 34567", "LT", "+37061234567"),
        ("8 029 491-19-11", "BY", "+375294911911"),
        ("(0152) 45-09-11", "BY", "+375152450911"),
        ("1 (212) 555-0123", "US", "+12125550123"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("0221 15-512-3456", "AR", "+5492215123456"),
        ("02901 15-412345", "AR", "+5492901412345"),
        ("+800 1234 5678", "", "+80012345678"),
        ("+870 773 111 632", "", "+870773111632"),
        ("+881 612 345 678", "", "+881612345678"),
        ("+882 16 1234567", "", "+882161234567"),
        ("+979 123 456 789", "", "+979123456789"),
        ("+290 5123", "", "+2905123"),
        ("+49 151 2345678901", "", "+491512345678901"),
        ("+54 11 15-2345-6789", "", "+5491123456789"),
        ("+54 9 11 15 2345 6789", "", "+5491123456789"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("+521 55 1234 5678", "", "+5215512345678"),
        ("+55 11 8765 4321", "", "+551187654321"),
        ("22961234567", "", "+22961234567"),
        ("+225 07 12 34 56", "", "+22507123456"),
    ] {
        assert_eq!(parsed(text, default).as_deref(), Ok(e164), "{text:?} in {default:?}");
    }
}

#[test]
fn what_is_no_number_says_why() {
    use PhoneError::*;
    for (text, default, error) in [
        ("", "", Empty),
        (" ()- \u{200f}", "", Empty),
        ("+", "", Empty),
        ("+96650123456a", "", Character('a')),
        ("tel:+966501234567", "", Character('t')),
        ("+966501234567,", "", Character(',')),
        ("+96650123\n4567", "", Character('\n')),
        ("+966\u{0}5012345", "", Character('\0')),
        ("९६६५०१२३४५६७", "", Character('९')),
        ("++966501234567", "", Plus),
        ("966+501234567", "", Plus),
        ("0501234567", "", NoRegion),
        ("0612345678", "ES", NoTrunk(Region(*b"ES"))),
        ("020 123 4567", "HU", NoTrunk(Region(*b"HU"))),
        ("+123456", "", TooShort(6)),
        ("00", "", TooShort(0)),
        ("0123", "SA", TooShort(6)),
        ("+1234567890123456", "", TooLong),
        ("0501234567/0507654321", "SA", TooLong),
        ("012345678901234567", "SA", TooLong),
        ("+0501234567", "SA", UnknownCode),
        ("+9991234567", "", UnknownCode),
        ("+2101234567", "", UnknownCode),
        ("000501234567", "", UnknownCode),
    ] {
        assert_eq!(parsed(text, default), Err(error), "{text:?} in {default:?}");
    }
    assert!(!NoRegion.to_string().contains('\n'));
}

#[test]
fn the_examples_of_every_region_parse() {
    let data = include_str!("../../../tests/data/phones.tsv");
    let (mut international, mut national) = (0, 0);
    for line in data.lines().skip(2) {
        let [name, _kind, at_home, abroad, e164] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("five columns: {line}");
        };
        for text in [e164, abroad, &e164[1..], &format!("00{}", &e164[1..])] {
            assert_eq!(parsed(text, "").as_deref(), Ok(e164), "{line}");
        }
        assert_eq!(parsed(abroad, name).as_deref(), Ok(e164), "{line}");
        assert_eq!(Phone::parse(e164, None).expect("parsed above").unusual(), None, "{line}");
        international += 1;
        let row = Region::parse(name).expect("a region").row();
        let digits = spelling::scan(at_home).expect("digits");
        if without_trunk(digits.digits(), row).is_some() {
            assert_eq!(parsed(at_home, name).as_deref(), Ok(e164), "{line}");
            national += 1;
        } else {
            assert_ne!(digits.digits()[0], 0, "a national form that was not understood: {line}");
        }
    }
    assert_eq!(international, 489);
    assert!(national > 150, "{national}");
}

#[test]
fn regions_are_two_known_letters() {
    assert_eq!(Region::parse(" sa "), Ok(Region(*b"SA")));
    assert_eq!(Region::parse("GB").map(Region::calling_code), Ok(44));
    assert_eq!(Phone::parse("+447911123456", None).ok().and_then(|p| p.main_region()), Region::parse("GB").ok());
    for no in ["", "S", "SAU", "UK", "ZZ", "1A", "é", "س"] {
        assert_eq!(Region::parse(no), Err(PhoneError::UnknownRegion), "{no}");
    }
}

#[test]
fn logs_show_a_part_of_a_number() {
    let masked = |text| Phone::known(text).expect("a number").masked();
    assert_eq!(masked("+966501234123"), "+9665****123");
    assert_eq!(masked("+12345678"), "+1****678");
    assert_eq!(masked("+2905123"), "+****123");
    assert_eq!(format!("{:?}", Phone::parse("+966501234123", None)), "Ok(+9665****123)");
}

#[test]
fn a_length_that_its_country_does_not_have_is_refused_with_what_would_be_possible() {
    for (text, digits, says) in [
        ("+451234567", 7, "+45 has 8 digits after it: this one has 7"),
        ("+45123456789", 9, "+45 has 8 digits after it: this one has 9"),
    ] {
        let problem = parsed(text, "").expect_err(text);
        let possible = Lengths::read("8");
        assert_eq!(problem, PhoneError::Impossible { code: 45, digits, possible, home: None }, "{text}");
        assert!(problem.to_string().contains(says), "{problem}");
        assert_eq!(taken(text, "").as_deref(), Ok(text), "an admin can let it pass");
        assert_eq!(Phone::known(text).and_then(|p| p.unusual()), Some(Unusual::Impossible));
    }
    for (text, default, says) in [
        ("+12345678", "", "+1 has 10 digits"),
        ("501234567", "SA", "a number of SA is written with its leading 0 or with +966"),
        ("500001004", "SA", "a number of SA is written with its leading 0"),
        ("2125550123", "US", "a number of US"),
        ("+965123456", "", "+965 has 7 to 8"),
        ("+4612345678901", "", "+46 has 6 to 10 or 12 digits"),
    ] {
        let problem = parsed(text, default).expect_err(text).to_string();
        assert!(problem.contains(says), "{text}: {problem}");
    }
}

#[test]
fn what_is_possible_and_rare_is_said() {
    use Unusual::{Long, OldForm, Short};
    for (text, unusual) in [
        ("+966501234567", None),
        ("+551187654321", None),
        ("+5215512345678", Some(OldForm)),
        ("+22961234567", Some(OldForm)),
        ("+22507123456", Some(OldForm)),
        ("+841631234567", None),
        ("+5540041234", Some(Short)),
        ("+30 800123456789", Some(Long)),
    ] {
        assert_eq!(Phone::parse(text, None).map(|p| p.unusual()), Ok(unusual), "{text}");
    }
}

#[test]
fn a_spreadsheets_number_is_told_apart_from_one_with_dots() {
    for text in [
        "966500000120.0",
        "+4915112345678.0",
        "966500000120.00",
        "966500000120,0",
        "9.66500000120E+11",
        "9,665E+11",
        "9.66e11",
        "966E9",
        "0501234567.0",
        "٩٦٦٥٠٠٠٠٠١٢٠٫٠",
        " 966500000120.0\u{200f}",
        "'966500000120.0",
    ] {
        assert_eq!(parsed(text, "SA"), Err(PhoneError::Spreadsheet), "{text}");
        assert!(PhoneError::Spreadsheet.to_string().contains("spreadsheet"));
    }
    for (text, e164) in [
        ("050.123.4560", "+966501234560"),
        ("966.501234500", "+966501234500"),
        ("966500000120.", "+966500000120"),
        ("+1 212.555.0000", "+12125550000"),
    ] {
        assert_eq!(parsed(text, "SA").as_deref(), Ok(e164), "{text}");
    }
}

#[test]
fn bare_digits_may_have_lost_their_zero() {
    let back = |text, name| Phone::without_zero(text, region(name)).map(|p| p.to_string());
    assert_eq!(back("501234567", "SA").as_deref(), Some("+966501234567"));
    assert_eq!(back("5321234567", "TR").as_deref(), Some("+905321234567"));
    for (text, name) in [
        ("966501234567", "SA"),
        ("0501234567", "SA"),
        ("+501234567", "SA"),
        ("501234567", ""),
        ("4915112345678", "DE"),
        ("212345678", "IT"),
        ("96650123456789", "DE"),
    ] {
        assert_eq!(back(text, name), None, "{text} in {name}");
    }
}

#[test]
fn recipients_are_numbers_or_contacts() {
    assert_eq!(Recipient::parse("contact:42", None), Ok(Recipient::Contact(ContactId(42))));
    for no in
        ["contact:", "contact:0", "contact:-1", "contact:+1", "contact:a", "contact:٤", "contact:99999999999999999999"]
    {
        assert_eq!(Recipient::parse(no, None), Err(PhoneError::Contact), "{no}");
    }
    let phone = Phone::parse("+966501234567", None).expect("a number");
    assert_eq!(Recipient::parse("0501234567", region("SA")), Ok(Recipient::Phone(phone)));
    assert_eq!(Recipient::parse("Contact:42", None), Err(PhoneError::Character('C')));
}

const SEPARATORS: &[&str] =
    &["", "", "", " ", "\u{a0}", "-", "\u{2011}", ".", "(", ") ", "\u{200f}", "\u{2066}", "\u{200b}", "\u{2009}", "/"];

fn e164() -> impl Strategy<Value = String> {
    // The first digit after a calling code is no zero, which may be a trunk prefix.
    let codes = prop::sample::select(vec!["1", "7", "20", "39", "44", "86", "225", "375", "870", "966", "998"]);
    (codes, "[1-9][0-9]{6,11}").prop_map(|(code, rest)| format!("+{code}{rest}"))
}

proptest! {
    #[test]
    fn any_spelling_of_a_number_is_that_number(
        number in e164(),
        prefix in prop::sample::select(vec!["+", "00", "", "＋", "٠٠"]),
        noise in prop::collection::vec((prop::sample::select(SEPARATORS), 0u32..4), 20),
        default in prop::sample::select(vec!["", "SA", "RU", "IT", "US"]),
    ) {
        let mut text = noise[19].0.to_owned() + prefix;
        for (c, (between, script)) in number[1..].chars().zip(&noise) {
            text += between;
            let zero = [0x30, 0x660, 0x6f0, 0xff10][*script as usize];
            text.extend(char::from_u32(zero + c.to_digit(10).expect("a digit")));
        }
        prop_assume!(!spelling::is_from_a_spreadsheet(&text));
        // Bare digits may be a national form where the trunk prefix is no zero.
        let default = if prefix.is_empty() { "" } else { default };
        prop_assert_eq!(taken(&text, default), Ok(number));
    }

    #[test]
    fn national_and_international_forms_meet(rest in "[1-9][0-9]{7,9}", name in prop::sample::select(vec!["SA", "GB", "DE", "EG", "IL", "TR", "ID", "FR"])) {
        let code = Region::parse(name).expect("a region").calling_code();
        prop_assert_eq!(taken(&format!("0{rest}"), name), taken(&format!("+{code}{rest}"), ""));
    }

    #[test]
    fn parse_never_panics_and_only_makes_e164(text in "\\PC*|[+0-9 ()٠-٩-]{0,24}|.*", name in "|[A-Z]{2}") {
        let how = PhoneReading { region: Region::parse(&name).ok(), impossible: Impossible::Warn };
        if let Ok(phone) = Phone::parse(&text, how) {
            let digits = phone.as_str().strip_prefix('+').expect("a plus");
            prop_assert!((7..=15).contains(&digits.len()) && !digits.starts_with('0'));
            prop_assert!(digits.bytes().all(|b| b.is_ascii_digit()));
            prop_assert_eq!(Phone::known(phone.as_str()), Some(phone.clone()));
            prop_assert_eq!(Phone::parse(phone.as_str(), how), Ok(phone));
        }
    }
}
