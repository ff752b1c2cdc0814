//! The first line of a list of numbers: which columns it calls the phone, and which the name or the reason.

use super::text;

/// What stands in a heading over numbers, folded, without figures ("phone 1"). A list out of any program has one of
/// these; what is none is no heading of ours, and the first column counts.
const PHONE: &[&str] = &[
    "phone",
    "phones",
    "phone number",
    "phone no",
    "phonenumber",
    "mobile",
    "mobile number",
    "mobile phone",
    "mobile no",
    "cell",
    "cell phone",
    "cellphone",
    "tel",
    "tel no",
    "telephone",
    "telephone number",
    "whatsapp number",
    "whatsapp phone",
    "wa number",
    "wa id",
    "waid",
    "msisdn",
    "contact number",
    "contact phone",
    "customer phone",
    "e164",
    "phone e164",
    "phone value",
    "الهاتف",
    "هاتف",
    "رقم الهاتف",
    "رقم هاتف",
    "الجوال",
    "جوال",
    "رقم الجوال",
    "رقم جوال",
    "موبايل",
    "الموبايل",
    "رقم الموبايل",
    "المحمول",
    "رقم المحمول",
    "تلفون",
    "التلفون",
    "رقم التلفون",
    "رقم الواتساب",
    "טלפון",
    "מספר טלפון",
    "מס טלפון",
    "נייד",
    "טלפון נייד",
    "מספר נייד",
    "סלולרי",
    "teléfono",
    "teléfonos",
    "número de teléfono",
    "móvil",
    "teléfono móvil",
    "número de móvil",
    "celular",
    "número de celular",
    "telefone",
    "telefones",
    "telemóvel",
    "número de telefone",
    "número de celular",
    "fone",
    "téléphone",
    "numéro de téléphone",
    "n de téléphone",
    "portable",
    "numéro de portable",
    "telefon",
    "telefonnummer",
    "rufnummer",
    "handy",
    "handynummer",
    "mobil",
    "mobilnummer",
    "mobiltelefon",
    "telefon numarası",
    "telefon no",
    "cep",
    "cep telefonu",
    "cep no",
    "gsm",
    "gsm no",
    "telepon",
    "nomor telepon",
    "no telepon",
    "no telp",
    "telp",
    "nomor hp",
    "no hp",
    "hp",
    "ponsel",
    "nomor ponsel",
    "nomor wa",
    "no wa",
    "nomor whatsapp",
    "no whatsapp",
    "telefono",
    "numero di telefono",
    "cellulare",
    "numero cellulare",
    "numero di cellulare",
    "n di telefono",
    "телефон",
    "номер телефона",
    "мобильный",
    "мобильный телефон",
    "моб телефон",
    "тел",
    "сотовый",
    "फोन",
    "फ़ोन",
    "फोन नंबर",
    "मोबाइल",
    "मोबाइल नंबर",
    "فون",
    "فون نمبر",
    "موبائل",
    "موبائل نمبر",
];

/// What stands over numbers where nothing more telling does: it may be an order's, too, or say whether somebody has WhatsApp.
const PERHAPS_PHONE: &[&str] = &[
    "whatsapp",
    "wa",
    "number",
    "recipient",
    "to",
    "الرقم",
    "واتساب",
    "الواتساب",
    "מספר",
    "ווטסאפ",
    "וואטסאפ",
    "número",
    "numéro",
    "nummer",
    "numara",
    "nomor",
    "numero",
    "номер",
    "नंबर",
    "نمبر",
];

/// What stands over what is said about the number.
const MORE: &[&str] = &[
    "name",
    "full name",
    "customer",
    "customer name",
    "contact",
    "contact name",
    "first name",
    "display name",
    "reason",
    "note",
    "الاسم",
    "اسم",
    "اسم العميل",
    "السبب",
    "سبب",
    "שם",
    "שם מלא",
    "שם לקוח",
    "סיבה",
    "nombre",
    "cliente",
    "motivo",
    "nome",
    "nom",
    "client",
    "motif",
    "raison",
    "grund",
    "kunde",
    "ad",
    "isim",
    "ad soyad",
    "müşteri",
    "neden",
    "nama",
    "pelanggan",
    "alasan",
    "nominativo",
    "имя",
    "фио",
    "клиент",
    "причина",
    "नाम",
    "कारण",
    "نام",
    "وجہ",
];

/// What is no number, though it is one of digits, or is none at all: who has it in the first column and names no number
/// means another one.
const OTHER: &[&str] = &[
    "id",
    "no",
    "nr",
    "order",
    "order id",
    "order no",
    "order number",
    "invoice",
    "invoice no",
    "invoice number",
    "date",
    "time",
    "email",
    "e mail",
    "mail",
    "city",
    "address",
    "country",
    "amount",
    "total",
    "status",
    "customer id",
    "customer no",
    "customer number",
    "contact id",
    "user id",
    "sku",
    "ref",
    "reference",
];

/// Whether a column so called holds no numbers of people.
pub(super) fn is_of_another_kind(name: &str) -> bool {
    let name = folded(name);
    OTHER.iter().chain(MORE).any(|word| folded(word) == name)
}

/// Digits of the shortest number.
const SHORTEST: usize = 7;

/// Where a heading has the numbers, and what is said about them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct CsvColumns {
    /// At least one. Somebody with two numbers ("phone,mobile") is meant at both.
    pub(super) phones: Vec<usize>,
    /// None: nothing is said.
    pub(super) more: Option<usize>,
}

impl CsvColumns {
    /// Without a heading, and under one that names no number: the number, then what is said about it.
    pub(super) fn first() -> Self {
        Self { phones: vec![0], more: Some(1) }
    }

    /// Of a heading; none: none of its columns is called a number, or one holds a number and is no heading's.
    pub(super) fn of(heading: &[String]) -> Option<Self> {
        let is_number = |cell: &String| cell.chars().filter(|c| c.is_numeric()).count() >= SHORTEST;
        if heading.iter().any(is_number) {
            return None;
        }
        let names: Vec<String> = heading.iter().map(|cell| folded(cell)).collect();
        let is_one = |words: &[&str], name: &str| words.iter().any(|word| folded(word) == name);
        let find = |words: &[&str]| names.iter().position(|name| is_one(words, name));
        let mut phones: Vec<usize> = (0..names.len()).filter(|at| is_one(PHONE, &names[*at])).collect();
        if phones.is_empty() {
            phones.push(find(PERHAPS_PHONE)?);
        }
        // What nobody has named is what has always stood there, unless it is another number.
        let second = names.get(1).filter(|name| phones[0] == 0 && !is_one(PHONE, name) && !is_one(PERHAPS_PHONE, name));
        let more = find(MORE).or(second.map(|_| 1));
        Some(Self { phones, more })
    }
}

/// The words of a cell, without figures of its own: "Phone_1" as "phone".
fn folded(cell: &str) -> String {
    let words = text::words(&cell.replace('_', " "));
    let kept = words.split(' ').filter(|word| !word.chars().all(char::is_numeric) || *word == "e164");
    kept.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_tells_where_the_number_is() {
        for (heading, expected) in [
            ("phone", Some((vec![0], None))),
            ("phone,reason,source", Some((vec![0], Some(1)))),
            ("phone,since,reason", Some((vec![0], Some(2)))),
            ("order_id,phone", Some((vec![1], None))),
            ("Name,Telefon", Some((vec![1], Some(0)))),
            ("email,Phone 1,Phone 2", Some((vec![1, 2], None))),
            ("mobile,phone", Some((vec![0, 1], None))),
            ("date,Mobile Number,first_name", Some((vec![1], Some(2)))),
            ("الاسم,رقم الجوال", Some((vec![1], Some(0)))),
            ("שם,טלפון נייד", Some((vec![1], Some(0)))),
            ("Имя,Номер телефона", Some((vec![1], Some(0)))),
            ("N° de téléphone,Nom", Some((vec![0], Some(1)))),
            ("Nummer,Telefon", Some((vec![1], None))),
            ("Number,Name", Some((vec![0], Some(1)))),
            ("Nomor,Nama,No HP", Some((vec![2], Some(1)))),
            ("WhatsApp,Phone", Some((vec![1], None))),
            ("+966501234567,WhatsApp", None),
            ("id,city", None),
            ("+966501234567,Sara", None),
        ] {
            let cells: Vec<String> = heading.split(',').map(str::to_owned).collect();
            let found = CsvColumns::of(&cells).map(|c| (c.phones, c.more));
            assert_eq!(found, expected, "{heading}");
        }
    }
}
