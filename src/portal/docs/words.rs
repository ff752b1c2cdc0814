//! The few words around the pages, in each language. The pages themselves are Markdown.

use crate::portal::docs::{catalogue::Group, language::Lang};

/// The words of one language.
pub struct Words {
    /// The heading of the side list.
    pub documentation: &'static str,
    /// The copy button.
    pub copy: &'static str,
    /// The list of a page's headings.
    pub on_this_page: &'static str,
    /// The links to the neighbouring pages, as a whole.
    pub turn: &'static str,
    /// The link back.
    pub previous: &'static str,
    /// The link on.
    pub next: &'static str,
    /// The search field.
    pub search: &'static str,
    /// The title of the results.
    pub results: &'static str,
    /// No result.
    pub nothing: &'static str,
    /// The groups, in the order of [`Group::ALL`].
    pub groups: [&'static str; 7],
    /// The parts of the page made from the OpenAPI document.
    pub reference: Reference,
}

/// The words of the page made from the OpenAPI document.
pub struct Reference {
    /// What the caller proves itself with.
    pub authentication: &'static str,
    /// Nothing is needed.
    pub nobody: &'static str,
    /// Parameters in path, query and headers.
    pub parameters: &'static str,
    /// The members of the body.
    pub body: &'static str,
    /// The answers.
    pub answers: &'static str,
    /// Column: its name.
    pub name: &'static str,
    /// Column: where it stands.
    pub place: &'static str,
    /// Column: its type.
    pub kind: &'static str,
    /// Column: whether it must be there.
    pub required: &'static str,
    /// It must.
    pub yes: &'static str,
    /// It need not.
    pub no: &'static str,
    /// Column: the status.
    pub status: &'static str,
    /// Column: the codes with it.
    pub codes: &'static str,
    /// The heading over the events.
    pub events: &'static str,
}

impl Words {
    /// A group's name.
    pub fn group(&self, group: Group) -> &'static str {
        let at = Group::ALL.iter().position(|g| *g == group).unwrap_or(0);
        self.groups[at]
    }
}

/// The words of `language`.
pub fn words(language: Lang) -> &'static Words {
    match language {
        Lang::En => &ENGLISH,
        Lang::Ar => &ARABIC,
        Lang::He => &HEBREW,
    }
}

static ENGLISH: Words = Words {
    documentation: "Documentation",
    copy: "Copy",
    on_this_page: "On this page",
    turn: "Previous and next page",
    previous: "Previous:",
    next: "Next:",
    search: "Search the documentation",
    results: "Search results",
    nothing: "Nothing found. Try a single word, an error code or a field's name.",
    groups: ["Start", "Messages", "Samples", "3CX", "Reference", "Running the gateway", "Rules"],
    reference: Reference {
        authentication: "Authentication",
        nobody: "none",
        parameters: "Parameters",
        body: "Body",
        answers: "Answers",
        name: "Name",
        place: "Where",
        kind: "Type",
        required: "Required",
        yes: "yes",
        no: "no",
        status: "Status",
        codes: "Codes",
        events: "Webhook events",
    },
};

static ARABIC: Words = Words {
    documentation: "التوثيق",
    copy: "نسخ",
    on_this_page: "في هذه الصفحة",
    turn: "الصفحة السابقة والتالية",
    previous: "السابق:",
    next: "التالي:",
    search: "ابحث في التوثيق",
    results: "نتائج البحث",
    nothing: "لم نجد شيئًا. جرّب كلمة واحدة أو رمز خطأ أو اسم حقل.",
    groups: ["البداية", "الرسائل", "أمثلة برمجية", "‏3CX", "المرجع", "تشغيل البوابة", "القواعد"],
    reference: Reference {
        authentication: "المصادقة",
        nobody: "لا شيء",
        parameters: "المعاملات",
        body: "جسم الطلب",
        answers: "الردود",
        name: "الاسم",
        place: "الموضع",
        kind: "النوع",
        required: "إلزامي",
        yes: "نعم",
        no: "لا",
        status: "الحالة",
        codes: "الرموز",
        events: "أحداث الويب هوك",
    },
};

static HEBREW: Words = Words {
    documentation: "תיעוד",
    copy: "העתקה",
    on_this_page: "בעמוד הזה",
    turn: "העמוד הקודם והבא",
    previous: "הקודם:",
    next: "הבא:",
    search: "חיפוש בתיעוד",
    results: "תוצאות החיפוש",
    nothing: "לא נמצא דבר. נסו מילה אחת, קוד שגיאה או שם של שדה.",
    groups: ["התחלה", "הודעות", "דוגמאות קוד", "‏3CX", "עיון", "הפעלת השער", "כללים"],
    reference: Reference {
        authentication: "הזדהות",
        nobody: "ללא",
        parameters: "פרמטרים",
        body: "גוף הבקשה",
        answers: "תשובות",
        name: "שם",
        place: "מיקום",
        kind: "סוג",
        required: "חובה",
        yes: "כן",
        no: "לא",
        status: "סטטוס",
        codes: "קודים",
        events: "אירועי webhook",
    },
};
