//! What is heard as an opt-out or an opt-in, and what is none.

use super::*;

fn phrases() -> Phrases {
    Phrases::built_in()
}

fn is_always(p: &Phrases, text: &str) -> bool {
    matches!(p.hear(text), Some(PhraseMeaning::OptOut { always: true, .. }))
}

fn is_soft(p: &Phrases, text: &str) -> bool {
    matches!(p.hear(text), Some(PhraseMeaning::OptOut { always: false, .. }))
}

#[test]
fn the_documented_words_are_heard() {
    let p = phrases();
    for word in ["STOP", "STOPALL", "UNSUBSCRIBE", "OPT OUT", "OPTOUT", "REVOKE", "REMOVE ME"] {
        assert!(is_always(&p, word), "{word}");
    }
    for word in ["CANCEL", "END", "QUIT", "إلغاء", "ביטול", "cancelar", "annuler", "iptal", "batal", "отмена"]
    {
        assert!(is_soft(&p, word), "{word}");
    }
    for word in ["START", "UNSTOP", "SUBSCRIBE", "Старт", "ابدأ", "התחל"] {
        assert_eq!(p.hear(word), Some(PhraseMeaning::OptIn), "{word}");
    }
}

#[test]
fn every_phrase_is_heard_in_every_dress() {
    let p = phrases();
    let file: PhraseFile = toml::from_str(BUILT_IN).expect("the list");
    let soft = file.soft.iter().flat_map(|f| &f.phrases);
    for phrase in file.always.values().flatten().chain(soft).chain(&file.opt_in.phrases) {
        let plain = p.hear(phrase);
        assert!(plain.is_some(), "{phrase}");
        let stretched: String = phrase.chars().flat_map(|c| [c, '\u{200b}']).collect();
        for dressed in [
            phrase.to_uppercase(),
            format!("  \u{200f}{}!!! 🛑\n", phrase.replace(' ', "   ")),
            format!("«{phrase}».",),
            stretched,
        ] {
            assert_eq!(p.hear(&dressed), plain, "{dressed:?}");
        }
    }
}

#[test]
fn what_opts_out_always_is_never_an_opt_in_as_well() {
    let file: PhraseFile = toml::from_str(BUILT_IN).expect("the list");
    let p = phrases();
    for phrase in file.always.values().flatten() {
        assert!(is_always(&p, phrase), "{phrase}");
    }
    for phrase in &file.opt_in.phrases {
        assert_eq!(p.hear(phrase), Some(PhraseMeaning::OptIn), "{phrase} is in two lists");
    }
}

#[test]
fn courtesy_and_insistence_change_nothing() {
    let p = phrases();
    for text in [
        "pls stop",
        "Stop please",
        "STOP STOP STOP",
        "plz stop stop",
        "Bitte STOP!",
        "Stopp, bitte.",
        "stop por favor",
        "por favor pare",
        "стоп, пожалуйста",
        "من فضلك توقف",
        "נא להסיר אותי בבקשה",
        "lütfen dur",
        "tolong berhenti",
        "कृपया बंद करें",
    ] {
        assert!(is_always(&p, text), "{text}");
    }
    assert!(is_soft(&p, "please cancel") && is_soft(&p, "cancel cancel please"));
    assert_eq!(p.hear("start please"), Some(PhraseMeaning::OptIn));
    for text in ["please", "please please", "bitte bitte", "stop and please", "please stop start", "Basta così, grazie"]
    {
        assert_eq!(p.hear(text), None, "{text}");
    }
}

#[test]
fn everyday_answers_of_one_language_are_no_opt_out_of_another() {
    let p = phrases();
    for text in ["Fine", "Red", "son", "بس", "बस", "cukup"] {
        assert_eq!(p.hear(text), None, "{text}");
    }
}

#[test]
fn disguised_opt_outs_are_heard() {
    let p = phrases();
    for text in [
        "s t o p",
        "S.T.O.P.",
        "ЅТОР",
        "ѕtоp",
        "ＳＴＯＰ",
        "𝐬𝐭𝐨𝐩",
        "🅂🅃🄾🄿",
        "ꜱᴛᴏᴘ",
        "cтоп",
        "СТОП!!",
        "تَوَقَّف",
        "توقـــف",
        "\u{202b}توقف\u{202c}",
        "إلغاء الإشتراك",
        "الغاء الاشتراك",
        "הָסֵר",
        "\u{200f}הסר\u{200e}",
        "Désabonnement",
        "desabonnement",
        "DURDUR",
        "Remove me.",
        "opt-out",
        "रोकें",
        "بند کریں",
        "بند كرين",
    ] {
        assert!(is_always(&p, text), "{text}");
    }
}

#[test]
fn longer_or_different_messages_are_no_opt_out() {
    let p = phrases();
    for text in [
        "",
        "   ",
        "🛑",
        "Please stop by the shop tomorrow",
        "Where is the bus stop?",
        "I want to cancel my order 1001",
        "The end of the month is fine",
        "don't stop",
        "unstoppable",
        "stop the delivery, I am not at home",
        "no",
        "1",
        "لا تلغي الطلب",
        "متى نهاية الدوام؟",
        "מתי אפשר לבטל את ההזמנה?",
        "¿Puedo cancelar mañana?",
        "No quiero cancelar",
        "Wann kann ich kündigen, bitte?",
        "Можно отменить заказ?",
        "stopstop",
        "cancelled",
        "how do I unsubscribe?",
    ] {
        assert_eq!(p.hear(text), None, "{text}");
    }
}

#[test]
fn an_offered_word_is_an_answer() {
    let p = phrases();
    for (ours, word) in [
        ("Your appointment is tomorrow at 10. Reply CONFIRM or CANCEL.", "cancel"),
        ("موعدك غدا. أرسل تأكيد أو إلغاء", "الغاء"),
        ("התור שלך מחר. השיבו אישור או ביטול", "ביטול"),
        ("Su cita es mañana. Responda SI o CANCELAR", "cancelar"),
        ("Your cita: responda CANCELAR", "cancel"),
        ("Choose:\n1. Confirm\n2. Cancel", "cancel"),
        ("Termin morgen: \"Bestätigen\" oder \"Absagen\"", "absagen"),
        ("Randevunuz yarın. İptal için İPTAL yazın", "iptal"),
        ("Rispondi CONFERMA o DISDIRE", "disdire"),
        ("Rispondi CONFERMA o ANNULLA", "disdire"),
        ("ONAYLA veya REDDET yazın", "reddet"),
        ("Balas SETUJU atau TOLAK", "tolak"),
        ("ПОДТВЕРДИТЬ или ОТКАЗАТЬСЯ", "отказаться"),
        ("ENTREGAR ou RETIRAR?", "retirar"),
        ("ANNEHMEN oder WIDERRUF", "widerruf"),
    ] {
        assert!(p.offers(ours, word), "{ours}");
    }
    for (ours, word) in [
        ("Your order 1001 was cancelled", "cancel"),
        ("You can cancel free of charge until Monday", "cancel"),
        ("Your invoice is attached", "cancel"),
        ("Reply CONFIRM or CANCEL", "quit"),
        ("Reply STOP to opt out", "stop"),
    ] {
        assert!(!p.offers(ours, word), "{ours}");
    }
}

#[test]
fn a_question_offers_what_it_names_beside_an_or_and_nothing_else() {
    let p = phrases();
    for (ours, answer) in [
        ("Would you like to keep the booking or cancel?", "Cancel"),
        ("Confirm or cancel?", "cancel"),
        ("Hi Sam. Shall we cancel or keep Friday? Thanks!", "cancel"),
        ("¿Desea confirmar o cancelar la cita?", "Cancelar"),
        ("Souhaitez-vous confirmer ou annuler le rendez-vous ?", "Annuler"),
        ("Deseja confirmar ou cancelar a consulta?", "Cancelar"),
        ("Vuole confermare o annullare?", "Annulla"),
        ("Onay mı iptal mi?", "iptal"),
        ("Jadi datang atau batal?", "Batal"),
        ("Подтвердить или отменить запись?", "Отменить"),
        ("تأكيد أم إلغاء؟", "إلغاء"),
        ("אישור או ביטול?", "ביטול"),
    ] {
        let Some(PhraseMeaning::OptOut { always: false, word }) = p.hear(answer) else { panic!("{answer}") };
        assert!(p.offers(ours, &word), "{ours}");
    }
    for (ours, word) in [
        ("Any plans for the end of May or June?", "end"),
        ("Ready for our exclusive sale? Cancel any time.", "cancel"),
        ("Was your order cancelled by mistake?", "cancel"),
        ("Ende Juli oder Ende August?", "ende"),
        ("A new mattress? Buy now or cancel later.", "cancel"),
        ("Stop or go?", "stop"),
    ] {
        assert!(!p.offers(ours, word), "{ours}");
    }
    assert_eq!(p.hear("Basta così"), None);
    assert!(is_always(&p, "Basta") && is_always(&p, "Remove") && is_always(&p, "Хватит"));
}
