//! Kinds of honest messages that must not be refused, and of fraud that must be: each as a table or at random.

use super::{
    score::{Audience, CROWD, SOFT},
    *,
};
use std::sync::LazyLock;

pub(super) static POLICY: LazyLock<ContentPolicy> = LazyLock::new(ContentPolicy::built_in);

const REFUSE: u8 = 80;
const REVIEW: u8 = 60;

/// A win-back without an offer.
const SOFT_TEXT: &str = "We have not seen you for a while. Our new shop is open.";

fn total(text: &str) -> u8 {
    POLICY.score(Purpose::Transactional, text).total
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % n
    }

    fn of(&mut self, alphabet: &str, n: usize) -> String {
        (0..n).map(|_| char::from(alphabet.as_bytes()[self.below(alphabet.len())])).collect()
    }
}

const DIGITS: &str = "0123456789";
const UPPER: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const HEX: &str = "0123456789abcdef";
const BASE32: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const MIXED: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/// An identifier of the form with this number, and what the form is called.
fn identifier(form: usize, d: &mut Dice) -> (&'static str, String) {
    let groups = |text: String| {
        text.as_bytes().chunks(4).map(|c| String::from_utf8_lossy(c).into_owned()).collect::<Vec<_>>().join(" ")
    };
    match form {
        0 => {
            let parts = [8, 4, 4, 4, 12].map(|n| d.of(HEX, n));
            ("UUID", parts.join("-"))
        }
        1 => ("hexadecimal, 12", d.of(HEX, 12)),
        2 => ("hexadecimal, 32", d.of(HEX, 32)),
        3 => ("hexadecimal, capitals", d.of(HEX, 8).to_uppercase()),
        4 => ("ULID", format!("01{}", d.of(BASE32, 24))),
        5 => ("1Z", format!("1Z{}{}", d.of(MIXED, 6), d.of(DIGITS, 10))),
        6 => ("GS1", format!("(01){}(17){}(10){}", d.of(DIGITS, 14), d.of(DIGITS, 6), d.of(MIXED, 6))),
        7 => ("SSCC", format!("(00){}", d.of(DIGITS, 18))),
        8 => ("ISO 11649", format!("RF{}{}", d.of(DIGITS, 2), d.of(MIXED, 12))),
        9 => ("ISO 11649 in fours", groups(format!("RF{}{}", d.of(DIGITS, 2), d.of(DIGITS, 14)))),
        10 => ("IBAN", format!("DE{}", d.of(DIGITS, 20))),
        11 => ("IBAN in fours", groups(format!("GB{}{}{}", d.of(DIGITS, 2), d.of(UPPER, 4), d.of(DIGITS, 14)))),
        12 => (
            "letters and digits",
            format!("#{}{}{}{}", d.of(UPPER, 2), d.of(DIGITS, 2), d.of(UPPER, 2), d.of(DIGITS, 2)),
        ),
        13 => ("eight at random", d.of(MIXED, 8)),
        14 => ("two letters first", format!("{}{}", d.of(UPPER, 2), d.of(DIGITS, 6))),
        15 => ("two letters and two digits", format!("{}{}", d.of(UPPER, 2), d.of(DIGITS, 2))),
        16 => ("with a year", format!("{}-2026-{}", d.of(UPPER, 2), d.of(DIGITS, 5))),
        17 => ("groups", format!("{}-{}-{}", d.of(MIXED, 3), d.of(DIGITS, 4), d.of(MIXED, 2))),
        18 => ("small letters", d.of("0123456789abcdefghijklmnopqrstuvwxyz", 9)),
        19 => ("object id", d.of(HEX, 24)),
        20 => ("nano id", d.of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-", 21)),
        21 => (
            "base64 of 16 bytes",
            format!("{}==", d.of("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", 22)),
        ),
        22 => ("three groups of digits", format!("{}-{}-{}", d.of(DIGITS, 3), d.of(DIGITS, 7), d.of(DIGITS, 7))),
        23 => ("with slashes", format!("INV/2026/{}/{}", d.of(UPPER, 2), d.of(DIGITS, 5))),
        24 => ("vehicle", d.of("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", 17)),
        25 => ("container", format!("{}U{}", d.of(UPPER, 3), d.of(DIGITS, 7))),
        26 => ("JJD", format!("JJD{}", d.of(DIGITS, 18))),
        27 => ("IMEI", d.of(DIGITS, 15)),
        28 => (
            "groups of small letters",
            format!("ord-{}-{}", d.of("0123456789abcdefghijklmnopqrstuvwxyz", 5), d.of(HEX, 4)),
        ),
        29 => ("booking of six letters and digits", d.of(MIXED, 6)),
        30 => ("hexadecimal with colons", (0..6).map(|_| d.of(HEX, 2)).collect::<Vec<_>>().join(":")),
        31 => ("card's end", format!("**** {}", d.of(DIGITS, 4))),
        32 => ("plate", format!("{} {} {}", d.of(UPPER, 2), d.of(DIGITS, 3), d.of(UPPER, 2))),
        33 => ("ISO 11649 with letters in fours", groups(format!("RF{}{}", d.of(DIGITS, 2), d.of(MIXED, 14)))),
        34 => (
            "IBAN with letters in fours",
            groups(format!("FR{}{}{}{}", d.of(DIGITS, 2), d.of(DIGITS, 10), d.of(MIXED, 11), d.of(DIGITS, 2))),
        ),
        _ => ("UPU S10", format!("{}{}DE", d.of(UPPER, 2), d.of(DIGITS, 9))),
    }
}

const FORMS: usize = 36;

#[test]
fn an_order_notice_passes_whatever_its_number_looks_like() {
    let notices = [
        "Your order {} has been shipped and will arrive on Thursday.",
        "✅ Order {} is on its way! Thank you 😊",
        "Ihre Bestellung {} wurde versandt. Vielen Dank!",
        "Su pedido {} ya salió del almacén. ¡Gracias!",
        "Seu pedido {} saiu para entrega! 🎉",
        "Votre commande {} est en route. Merci !",
        "Il suo ordine {} è stato spedito.",
        "Pesanan {} sedang dikirim. Terima kasih!",
        "{} numaralı siparişiniz yola çıktı.",
        "Ваш заказ {} передан курьеру.",
        "تم شحن طلبك رقم {} وسيصل غدا.",
        "הזמנה {} נשלחה ותגיע מחר.",
    ];
    let mut dice = Dice(17);
    for form in 0..FORMS {
        let (mut reviewed, mut worst, mut name) = (0, String::new(), "");
        for n in 0..10_000 {
            let (called, id) = identifier(form, &mut dice);
            name = called;
            let text = notices[n % notices.len()].replace("{}", &id);
            let score = POLICY.score(Purpose::Transactional, &text);
            assert!(score.total < REFUSE, "{text}: {score:?}");
            if score.total >= REVIEW {
                reviewed += 1;
                worst = format!("{text}: {score:?}");
            }
        }
        assert!(reviewed <= 10, "{name}: {reviewed} of 10,000 to review, such as {worst}");
    }
}

#[test]
fn saying_how_to_stop_is_no_evidence() {
    for (notice, line) in [
        ("Your bicycle is ready.", "Reply STOP to end these messages."),
        ("Your bicycle is ready.", "Reply STOP to unsubscribe"),
        ("Your bicycle is ready.", "Text STOP to opt out."),
        ("Ihr Fahrrad ist repariert.", "Antworten Sie mit STOPP, um diese Nachrichten abzubestellen."),
        ("Ihr Fahrrad ist repariert.", "Mit STOPP bestellen Sie diese Nachrichten ab."),
        ("Su bicicleta está lista.", "Responda STOP para darse de baja."),
        ("Sua bicicleta está pronta.", "Responda SAIR para não receber mais mensagens."),
        ("Votre vélo est prêt.", "Répondez STOP pour vous désabonner."),
        ("La sua bicicletta è pronta.", "Rispondi STOP per non ricevere più messaggi."),
        ("Sepeda Anda sudah siap.", "Balas STOP untuk berhenti berlangganan."),
        ("Bisikletiniz hazır.", "SMS iptali için RET yazıp 4412'ye gönderin."),
        ("Ваш велосипед готов.", "Чтобы отписаться, ответьте СТОП."),
        ("دراجتك جاهزة.", "لإلغاء الاشتراك أرسل إيقاف"),
        ("האופניים מוכנים.", "להסרה השיבו הסר"),
    ] {
        let with = format!("{notice} {line}");
        assert!(total(&with) <= total(notice).max(20), "{with}: {:?}", POLICY.score(Purpose::Transactional, &with));
    }
}

#[test]
fn a_disguise_and_one_weak_word_go_to_review() {
    for text in [
        "Ihr Auf\u{200b}trag ist fer\u{200b}tig, bitte ab\u{200b}holen",
        "Votre nоuvеllе facture est dispоniblе",
        "Le lien ne marche pas, c l i q u e z  ici s v p",
        "Your n\u{200b}ew pass\u{200b}word was saved tod\u{200b}ay",
        "Su nu\u{200b}evo pedi\u{200b}do está listo h\u{200b}oy",
        "Ваша нoвая зaявка принята",
    ] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.total < REFUSE, "{text}: {score:?}");
    }
}

#[test]
fn an_answer_is_not_refused_for_weak_words() {
    for text in [
        "See you tomorrow then, come and enjoy the new place, today only until 6!",
        "Yarın bekliyoruz, hemen gelin, yeni yerimiz çok güzel!",
        "Besok datang ya, tempat baru kami bagus sekali, jangan sampai terlambat!",
        "¡Te esperamos mañana! Ven hoy mismo si quieres, estamos aquí hasta las 8.",
    ] {
        let score = POLICY.score(Purpose::Support, text).as_answer();
        assert!(score.total < REFUSE, "{text}: {score:?}");
    }
    for text in ["50% off everything today only, buy now!", "You have won a cash prize, claim it at https://bit.ly/x"] {
        let score = POLICY.score(Purpose::Support, text).as_answer();
        assert!(score.total >= REFUSE, "{text}: {score:?}");
    }
}

#[test]
fn words_mean_something_else_beside_some_neighbours() {
    for text in [
        "Selamat datang di klinik kami, silakan menunggu di ruang 2.",
        "تم سحب مبلغ 500 ريال نقدا من حسابك.",
        "Bu fatura sizin için otomatik olarak oluşturuldu.",
        "Conferma il cambiamento del tuo indirizzo.",
        "Confirme el cambio de contraseña en su cuenta.",
        "Silakan konfirmasi perubahan jadwal Anda.",
        "Напишите в службу поддержки, если выбор даты неверен.",
        "Ihr Angebot Nr. 204 liegt bereit, bitte ansehen.",
        "You have a new private message from Lena.",
    ] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.total < REVIEW, "{text}: {score:?}");
    }
}

#[test]
fn a_price_against_its_unit_is_a_price() {
    for text in ["Servis motor 75rb", "Kuota Rp45rb/30hr", "Tiket 599rb", "Rumah 2,4jt", "Lote 350 EUR", "Sewa 50rb"] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.signals.iter().any(|s| *s.id == *"price"), "{text}: {score:?}");
        let words = POLICY.observe(text).folded;
        assert!(!words.contains('|'), "{text} was read as leet: {words}");
    }
}

#[test]
fn a_program_that_is_handed_out_is_for_a_person_to_see() {
    for text in ["Foto paket Anda: FOTO_PAKET.apk", "Guten Tag, bitte öffnen: https://files.example/einladung.apk"] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.total >= REVIEW && score.signals.iter().any(|s| *s.id == *"link.program"), "{text}: {score:?}");
    }
    let named = POLICY.score(Purpose::Transactional, "Pasang apk kami dari Play Store.");
    assert!(named.signals.iter().all(|s| *s.id != *"link.program"), "{named:?}");
}

/// What telephone systems say of calls that nobody took.
#[test]
fn a_missed_call_is_no_offer() {
    for text in [
        "We missed your call +966501234567",
        "We tried to answer your call +966501234567, queue Sales",
        "Sorry we could not take your call. Please call back on 0501234567.",
        "فاتتنا مكالمتك من الرقم +966501234567",
        "פספסנו את השיחה שלך +972501234567",
        "No pudimos atender su llamada +34600123456, le llamaremos pronto",
        "Perdemos a sua ligação +5511987654321",
        "Nous avons manqué votre appel +33612345678",
        "Wir haben Ihren Anruf verpasst +4915112345678",
        "Aramanızı kaçırdık +905321234567",
        "Panggilan Anda +6281234567890 tidak terjawab, kami akan menelepon kembali",
        "Abbiamo perso la sua chiamata +393331234567",
        "Мы пропустили ваш звонок +79161234567",
    ] {
        assert!(total(text) < REVIEW, "{text}: {:?}", POLICY.score(Purpose::Transactional, text));
    }
}

#[test]
fn a_child_that_greets_is_no_fraud() {
    for text in [
        "Hi Mum, I am home now.",
        "Hola mamá, ya salí de la escuela.",
        "Oi mãe, cheguei bem.",
        "Coucou maman, je suis arrivée.",
        "Hallo Mama, bin da.",
        "Ciao mamma, sono arrivata.",
        "Привет мам, я дома.",
        "היי אמא, הגעתי הביתה.",
        "Isi pulsa Rp50.000 berhasil.",
    ] {
        assert!(total(text) < REFUSE, "{text}: {:?}", POLICY.score(Purpose::Transactional, text));
    }
}

#[test]
fn the_words_behind_a_verdict_are_marked_where_they_stand() {
    for (text, want) in [
        ("Hi Ann, f l a s h  s a l e on shoes. Bye", vec!["f l a s h  s a l e"]),
        ("Fr\u{200b}ee gift inside", vec!["Fr\u{200b}ee gift"]),
        ("Ваша посылка задержана на таможне.", vec!["посылка задержана"]),
        ("Your order 2041 has been shipped.", vec![]),
    ] {
        let marks = POLICY.marks(text);
        let marked: Vec<&str> = marks.iter().map(|mark| &text[mark.range.clone()]).collect();
        assert!(want.iter().all(|w| marked.iter().any(|m| m.contains(w))), "{text}: {marked:?}");
        let whole: String = explain::stretches(text, &marks).into_iter().map(|s| s.text).collect();
        assert_eq!(whole, text);
    }
}

#[test]
fn what_only_the_rules_refuse_is_for_a_person_and_an_admins_own_words_are_not() {
    let text = "Your free gift offer: the new voucher of the golden spoon club is ready at order pick-up 2041.";
    let built_in = POLICY.score(Purpose::Transactional, text);
    assert!(built_in.total < REFUSE, "{built_in:?}");
    let file = "[[rule]]\ngroup = \"discount\"\nweight = 60\nphrases = [\"golden spoon\"]\n\
                [[rule]]\ngroup = \"promotion\"\nweight = 60\nphrases = [\"spoon club\"]\n";
    let own = ContentPolicy::with_extra([("house.toml".to_owned(), file.to_owned())]).expect("good rules");
    let score = own.score(Purpose::Transactional, text);
    assert!(score.total >= REFUSE, "{score:?}");
}

#[test]
fn a_soft_text_is_for_a_person_when_many_get_it() {
    let soft = POLICY.score(Purpose::Transactional, SOFT_TEXT);
    assert!(soft.total < REVIEW && soft.model >= SOFT, "{soft:?}");
    let to = |people, crowd| Audience { answers: false, people, crowd, is_unanswered: crowd < CROWD };
    assert_eq!(soft.clone().in_company(to(CROWD - 1, CROWD)), soft);
    let seen = soft.clone().in_company(to(CROWD, CROWD));
    assert!(seen.total == REVIEW && *seen.signals[0].id == *"behaviour.many", "{seen:?}");
    let unanswered = soft.in_company(to(CROWD / 2, CROWD / 2));
    assert!(unanswered.total == REVIEW && *unanswered.signals[0].id == *"behaviour.unanswered", "{unanswered:?}");
    let plain = POLICY.score(Purpose::Transactional, "Your order 2041 has left our warehouse.");
    assert_eq!(plain.clone().in_company(to(1_000, CROWD)), plain);
}

#[test]
fn what_was_bought_moved_or_voted_on_is_no_offer() {
    for text in [
        "Your order with code AUTUMN15 came to £38.00 (you saved £6.00). It ships tomorrow.",
        "Deine Bestellung mit Gutscheincode HERBST15 ist unterwegs, 38,00 € (gespart: 6,00 €).",
        "Su pedido con el código OTOÑO15 está en camino (ha ahorrado 6,00 €).",
        "Ваш заказ с промокодом OSEN15 собран, вы сэкономили 600 ₽.",
        "Possiamo venire lunedì alle 9 invece di sabato?",
        "On peut passer mardi à 10h au lieu de samedi ?",
        "אפשר לבוא ב-9 במקום יום חמישי?",
        "You missed a call from Harlow Dental at 9:12. Please ring us when you are free.",
        "Ваша заявка на кредит № 4471 получена, ответим за три рабочих дня.",
        "Дорогие жильцы, один голос от квартиры, бюллетени у консьержа до среды.",
    ] {
        assert!(total(text) < REFUSE, "{text}: {:?}", POLICY.score(Purpose::Transactional, text));
    }
}

#[test]
fn a_coupon_in_capitals_is_no_disguise_and_leetspeak_is() {
    let hides = |text: &str| {
        let score = POLICY.score(Purpose::Transactional, text);
        score.signals.iter().any(|s| *s.id == *"obfuscation.hidden_word")
    };
    assert!(!hides("Ihr Einkauf mit SOMMER10 ist unterwegs."));
    assert!(hides("Jetzt GR4T1S und R4B4TT für alle!"));
}

#[test]
fn groups_of_an_identifier_are_no_premium_rate_and_no_disguise() {
    for text in [
        "Rechnung RE-2024-118: bitte an GB29 NWBK 150P 1331 10PP M268 überweisen, Verwendungszweck RF18 25P0 150P 7034.",
        "Votre facture est prête : FR14 2004 1010 0505 150P 4M02 606, référence RF71 25PP 150P 0539 0075 47.",
        "Payment for order 7711 received from MT84 MALT 0110 0001 2345 MTLC 150P 01S.",
    ] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.total < REVIEW, "{text}: {score:?}");
        assert!(!score.signals.iter().any(|s| *s.id == *"premium"), "{text}: {score:?}");
    }
    let sold = "You have won GB29 tickets. FREE entry! Call 09061701461 now, 150p per min.";
    assert!(POLICY.score(Purpose::Transactional, sold).total >= REFUSE);
}

#[test]
fn support_is_not_refused_for_weak_words_alone_whoever_wrote_first() {
    let text = "Komm heute noch vorbei, wir haben viel Neues, nur bis 18 Uhr, jetzt schnell zugreifen!";
    let score = POLICY.score(Purpose::Support, text);
    assert!(score.total < REFUSE, "{score:?}");
    let offer = "Mega sale today only! 50% off all shoes and 2 for 1 on bags, shop now at https://shop.example/sale";
    assert!(POLICY.score(Purpose::Support, offer).total >= REFUSE);
    let faint = POLICY.score(Purpose::Support, "Ok, saya pindah ke Jumat jam 10 ya.");
    assert!(faint.total < REVIEW, "{faint:?}");
}

#[test]
fn a_link_without_a_word_is_not_refused_for_how_it_reads() {
    for text in [
        "https://shop.example/f/inv-2041 2041",
        "https://shop.example/f/inv-2041",
        "https://levi-garage.co.il/f/9921",
        "www.clinic.example/r/77",
        "https://oficinadoze.com.br/n/9921 154,85",
        "2041: https://shop.example/track/2041",
    ] {
        assert!(total(text) < REFUSE, "{text}: {:?}", POLICY.score(Purpose::Transactional, text));
    }
    assert!(total("http://203.0.113.7/win http://bit.ly/x") >= REFUSE, "what a link is by itself counts all the same");
}
