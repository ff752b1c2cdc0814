//! Soft and cold texts, of which words alone refuse none: somebody is missed, invited, introduced, reminded of a basket.
//! Each language has the same kinds in its own words, and beside them the same with something to be had, which is an offer.

use super::{kinds_tests::POLICY, *};

/// Language, soft texts, the same kinds with an offer in them.
const TEXTS: [(&str, [&str; 10], [&str; 3]); 11] = [
    (
        "en",
        [
            "We have not seen you for a while, Anna. Is everything all right?",
            "It has been a few months since your last visit. Shall we find you a time?",
            "We miss you at the studio! Come by and see what has changed.",
            "Do you have 15 minutes for a demo this week? We help firms like yours to save hours.",
            "Hello, I found your shop online. We build websites for small companies, may I call you?",
            "The lamp on your wish list is in stock again. Have a look before it is gone.",
            "You left something in your basket. It is waiting for you.",
            "Our new collection is here. Visit us and see it for yourself!",
            "You are warmly invited to our open evening on Friday at seven.",
            "My name is Tom, I work with dentists on their marketing. Would you be interested in a quick call?",
        ],
        [
            "We miss you! Come back this week and get 20% off your next visit.",
            "Book a demo this week and your first month is free. Sign up now!",
            "You left something in your basket. Use code BACK10 and save $10 today.",
        ],
    ),
    (
        "ar",
        [
            "لم نرك منذ فترة يا سارة، نتمنى أن تكوني بخير.",
            "مضت عدة أشهر على زيارتك الأخيرة. هل نحدد لك موعدا؟",
            "اشتقنا إليك! مر علينا وشاهد ما تغير في النادي.",
            "هل لديك 15 دقيقة لعرض تجريبي هذا الأسبوع؟ نساعد شركات مثل شركتكم.",
            "مرحبا، وجدت متجركم على الإنترنت. نحن نصمم المواقع للشركات الصغيرة، هل يمكنني الاتصال بكم؟",
            "المصباح الذي أضفته إلى قائمة أمنياتك متوفر من جديد. ألق نظرة قبل أن ينفد.",
            "تركت شيئا في سلتك وهو بانتظارك.",
            "وصلت مجموعتنا الجديدة. زورونا وشاهدوها بأنفسكم!",
            "يسعدنا دعوتكم إلى أمسيتنا المفتوحة يوم الجمعة الساعة السابعة.",
            "اسمي كريم وأعمل مع عيادات الأسنان في مجال التسويق. هل أنتم مهتمون بمكالمة قصيرة؟",
        ],
        [
            "اشتقنا إليك! عد هذا الأسبوع واحصل على خصم 20% على زيارتك القادمة.",
            "احجز عرضا تجريبيا هذا الأسبوع والشهر الأول مجانا. سجل الآن!",
            "تركت شيئا في سلتك. أكمل طلبك اليوم ووفر 50 ريال.",
        ],
    ),
    (
        "he",
        [
            "לא ראינו אותך כבר זמן מה, דנה. הכול בסדר?",
            "עברו כמה חודשים מאז הביקור האחרון שלך. שנקבע לך תור?",
            "התגעגענו אליך בסטודיו! בואי לראות מה השתנה.",
            "יש לך 15 דקות להדגמה השבוע? אנחנו עוזרים לעסקים כמו שלך לחסוך שעות.",
            "שלום, מצאתי את העסק שלכם ברשת. אנחנו בונים אתרים לחברות קטנות, אפשר להתקשר?",
            "המנורה מרשימת המשאלות שלך חזרה למלאי. כדאי להציץ לפני שתיגמר.",
            "השארת משהו בעגלה. הוא מחכה לך.",
            "הקולקציה החדשה הגיעה. בואו לראות אותה אצלנו!",
            "אתם מוזמנים לערב הפתוח שלנו ביום שישי בשעה שבע.",
            "שמי יואב ואני עובד עם מרפאות שיניים על השיווק שלהן. יעניין אתכם לקבוע שיחה קצרה?",
        ],
        [
            "התגעגענו אליך! חזרי השבוע וקבלי 20% הנחה על הביקור הבא.",
            "קבעו הדגמה השבוע והחודש הראשון חינם. הירשמו עכשיו!",
            "השארת משהו בעגלה. השלימו את ההזמנה היום וחסכו 50 ש\"ח.",
        ],
    ),
    (
        "es",
        [
            "Hace tiempo que no te vemos, Ana. ¿Va todo bien?",
            "Han pasado unos meses desde su última visita. ¿Le buscamos una hora?",
            "¡Te echamos de menos en el estudio! Pásate y mira lo que ha cambiado.",
            "¿Tiene 15 minutos para una demo esta semana? Ayudamos a empresas como la suya a ahorrar horas.",
            "Hola, encontré su tienda en internet. Hacemos páginas web para empresas pequeñas, ¿puedo llamarle?",
            "La lámpara de tu lista de deseos vuelve a estar disponible. Échale un vistazo antes de que se agote.",
            "Dejaste algo en tu carrito. Te está esperando.",
            "Ya está aquí nuestra nueva colección. ¡Ven a verla!",
            "Queda invitado a nuestra velada abierta el viernes a las siete.",
            "Me llamo Luis y trabajo con dentistas en su marketing. ¿Le interesaría una breve llamada?",
        ],
        [
            "¡Te echamos de menos! Vuelve esta semana y llévate un 20 % de descuento en tu próxima visita.",
            "Reserve una demo esta semana y el primer mes es gratis. ¡Regístrese ya!",
            "Dejaste algo en tu carrito. Termina tu compra hoy y ahorra 10 €.",
        ],
    ),
    (
        "pt",
        [
            "Faz tempo que não te vemos, Ana. Está tudo bem?",
            "Já se passaram alguns meses desde a sua última visita. Marcamos um horário?",
            "Sentimos a sua falta no estúdio! Passe aqui e veja o que mudou.",
            "Você tem 15 minutos para uma demonstração esta semana? Ajudamos empresas como a sua a poupar horas.",
            "Olá, encontrei a sua loja na internet. Fazemos sites para pequenas empresas, posso ligar?",
            "O abajur da sua lista de desejos voltou ao estoque. Dê uma olhada antes que acabe.",
            "Você deixou algo no carrinho. Está à sua espera.",
            "A nossa nova coleção chegou. Venha conhecer!",
            "Convidamos você para a nossa noite aberta na sexta-feira às sete.",
            "Meu nome é Rui e trabalho com dentistas no marketing deles. Teria interesse numa conversa rápida?",
        ],
        [
            "Sentimos a sua falta! Volte esta semana e ganhe 20% de desconto na próxima visita.",
            "Agende uma demonstração esta semana e o primeiro mês é grátis. Inscreva-se já!",
            "Você deixou algo no carrinho. Termine a compra hoje e economize R$ 50.",
        ],
    ),
    (
        "fr",
        [
            "Cela fait un moment que nous ne vous avons pas vue, Anne. Tout va bien ?",
            "Votre dernière visite remonte à quelques mois. Voulez-vous fixer un rendez-vous ?",
            "Vous nous manquez au studio ! Passez voir ce qui a changé.",
            "Auriez-vous 15 minutes pour une démo cette semaine ? Nous aidons des entreprises comme la vôtre.",
            "Bonjour, j'ai trouvé votre boutique en ligne. Nous créons des sites pour les petites entreprises, puis-je vous appeler ?",
            "La lampe de votre liste d'envies est de nouveau en stock. Jetez un œil avant qu'elle ne parte.",
            "Vous avez oublié quelque chose dans votre panier. Il vous attend.",
            "Notre nouvelle collection est arrivée. Venez la découvrir !",
            "Vous êtes cordialement invités à notre soirée portes ouvertes vendredi à dix-neuf heures.",
            "Je m'appelle Luc, je travaille avec des dentistes sur leur communication. Seriez-vous intéressés par un court appel ?",
        ],
        [
            "Vous nous manquez ! Revenez cette semaine et profitez de 20 % de réduction sur votre prochaine visite.",
            "Réservez une démo cette semaine, le premier mois est offert. Inscrivez-vous maintenant !",
            "Vous avez oublié quelque chose dans votre panier. Commandez aujourd'hui et économisez 10 €.",
        ],
    ),
    (
        "de",
        [
            "Wir haben Sie lange nicht gesehen, Frau Weber. Ist alles in Ordnung?",
            "Ihr letzter Besuch liegt einige Monate zurück. Dürfen wir Ihnen einen Termin anbieten?",
            "Du fehlst uns im Studio! Schau vorbei und sieh, was sich verändert hat.",
            "Haben Sie diese Woche 15 Minuten für eine Demo? Wir helfen Betrieben wie Ihrem, Stunden zu sparen.",
            "Guten Tag, ich habe Ihren Laden im Netz gefunden. Wir bauen Webseiten für kleine Firmen, darf ich Sie anrufen?",
            "Die Lampe auf Ihrem Wunschzettel ist wieder da. Sehen Sie nach, bevor sie weg ist.",
            "Sie haben etwas im Warenkorb vergessen. Es wartet auf Sie.",
            "Unsere neue Kollektion ist da. Kommen Sie vorbei und entdecken Sie sie!",
            "Wir laden Sie herzlich zu unserem offenen Abend am Freitag um sieben ein.",
            "Mein Name ist Jan, ich arbeite mit Zahnärzten an ihrem Marketing. Hätten Sie Interesse an einem kurzen Gespräch?",
        ],
        [
            "Wir vermissen Sie! Kommen Sie diese Woche wieder und sparen Sie 20 % beim nächsten Besuch.",
            "Buchen Sie diese Woche eine Demo, der erste Monat ist gratis. Jetzt anmelden!",
            "Sie haben etwas im Warenkorb vergessen. Heute bestellen und 10 € sparen!",
        ],
    ),
    (
        "tr",
        [
            "Sizi bir süredir göremiyoruz Ayşe Hanım, her şey yolunda mı?",
            "Son ziyaretinizin üzerinden birkaç ay geçti. Size bir randevu ayarlayalım mı?",
            "Sizi stüdyoda özledik! Uğrayın, neler değişti görün.",
            "Bu hafta bir demo için 15 dakikanız var mı? Sizin gibi işletmelere yardımcı oluyoruz.",
            "Merhaba, mağazanızı internette buldum. Küçük şirketler için web sitesi yapıyoruz, sizi arayabilir miyim?",
            "İstek listenizdeki lamba yeniden stokta. Tükenmeden bir göz atın.",
            "Sepetinizde bir şey unuttunuz. Sizi bekliyor.",
            "Yeni koleksiyonumuz geldi. Gelin, yakından görün!",
            "Cuma akşamı yedide yapacağımız açık davete bekleriz.",
            "Adım Can, diş hekimleriyle pazarlama üzerine çalışıyorum. Kısa bir görüşme ister misiniz?",
        ],
        [
            "Sizi özledik! Bu hafta gelin, bir sonraki ziyaretinizde %20 indirim kazanın.",
            "Bu hafta demo için randevu alın, ilk ay ücretsiz. Hemen kaydolun!",
            "Sepetinizde bir şey unuttunuz. Bugün tamamlayın, 100 TL indirim sizin.",
        ],
    ),
    (
        "id",
        [
            "Sudah lama kami tidak melihat Kak Sari. Semoga baik-baik saja ya?",
            "Sudah beberapa bulan sejak kunjungan terakhir Anda. Mau kami carikan jadwal?",
            "Kami kangen di studio! Mampir ya, lihat apa saja yang berubah.",
            "Punya 15 menit untuk demo minggu ini? Kami membantu perusahaan seperti milik Anda.",
            "Halo, saya menemukan toko Anda di internet. Kami membuat situs web untuk usaha kecil, boleh saya telepon?",
            "Lampu di daftar keinginan Anda sudah tersedia lagi. Cek sebelum habis.",
            "Ada yang tertinggal di keranjang Anda. Masih menunggu.",
            "Koleksi baru kami sudah datang. Datang dan lihat langsung!",
            "Kami mengundang Anda ke malam terbuka kami hari Jumat pukul tujuh.",
            "Nama saya Budi, saya bekerja dengan dokter gigi soal pemasaran. Apakah Anda tertarik ngobrol sebentar?",
        ],
        [
            "Kami kangen! Datang lagi minggu ini dan dapatkan diskon 20% untuk kunjungan berikutnya.",
            "Jadwalkan demo minggu ini, bulan pertama gratis. Daftar sekarang!",
            "Ada yang tertinggal di keranjang Anda. Selesaikan hari ini dan hemat Rp50.000.",
        ],
    ),
    (
        "it",
        [
            "È un po' che non la vediamo, Anna. Va tutto bene?",
            "Sono passati alcuni mesi dalla sua ultima visita. Le troviamo un appuntamento?",
            "Ci manchi in studio! Passa a vedere che cosa è cambiato.",
            "Avrebbe 15 minuti per una demo questa settimana? Aiutiamo aziende come la sua.",
            "Buongiorno, ho trovato il vostro negozio in rete. Facciamo siti per piccole imprese, posso chiamarvi?",
            "La lampada della tua lista dei desideri è di nuovo disponibile. Dai un'occhiata prima che finisca.",
            "Hai dimenticato qualcosa nel carrello. Ti sta aspettando.",
            "È arrivata la nostra nuova collezione. Vieni a scoprirla!",
            "Siete invitati alla nostra serata aperta venerdì alle sette.",
            "Mi chiamo Luca e lavoro con i dentisti sulla loro comunicazione. Sarebbe interessato a una breve chiamata?",
        ],
        [
            "Ci manchi! Torna questa settimana e avrai il 20% di sconto sulla prossima visita.",
            "Prenota una demo questa settimana e il primo mese è gratis. Iscriviti ora!",
            "Hai dimenticato qualcosa nel carrello. Ordina oggi e risparmia 10 €.",
        ],
    ),
    (
        "ru",
        [
            "Давно вас не видели, Анна. Всё ли у вас в порядке?",
            "С вашего последнего визита прошло несколько месяцев. Подобрать вам время?",
            "Мы скучаем по вам в студии! Заходите посмотреть, что изменилось.",
            "Найдётся ли у вас 15 минут на демонстрацию на этой неделе? Мы помогаем компаниям вроде вашей.",
            "Здравствуйте, нашёл ваш магазин в интернете. Делаем сайты для небольших фирм, можно вам позвонить?",
            "Лампа из вашего списка желаний снова в наличии. Загляните, пока не разобрали.",
            "Вы кое-что оставили в корзине. Оно вас ждёт.",
            "Наша новая коллекция уже здесь. Приходите посмотреть!",
            "Приглашаем вас на открытый вечер в пятницу в семь часов.",
            "Меня зовут Олег, я помогаю стоматологам с рекламой. Вам было бы интересно коротко созвониться?",
        ],
        [
            "Мы скучаем! Возвращайтесь на этой неделе и получите скидку 20% на следующий визит.",
            "Запишитесь на демонстрацию на этой неделе, первый месяц бесплатно. Регистрируйтесь сейчас!",
            "Вы кое-что оставили в корзине. Закажите сегодня и сэкономьте 500 руб.",
        ],
    ),
];

fn score(text: &str) -> Score {
    POLICY.score(Purpose::Transactional, text)
}

#[test]
fn words_alone_refuse_no_soft_text() {
    let refused = |(language, soft, _): (&'static str, [&'static str; 10], _)| {
        soft.into_iter().map(move |text| (language, score(text), text)).filter(|(_, score, _)| score.total >= 80)
    };
    let wrong: Vec<_> = TEXTS.into_iter().flat_map(refused).collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[test]
fn a_soft_text_that_offers_something_is_refused() {
    let missed = |(language, _, offers): (&'static str, _, [&'static str; 3])| {
        offers.into_iter().map(move |text| (language, score(text), text)).filter(|(_, score, _)| score.total < 80)
    };
    let wrong: Vec<_> = TEXTS.into_iter().flat_map(missed).collect();
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

#[test]
fn behaviour_hears_every_soft_text() {
    let texts = TEXTS.iter().flat_map(|(language, soft, _)| soft.iter().map(move |text| (*language, *text)));
    let unheard: Vec<_> = texts.filter(|(_, text)| !score(text).is_soft() && score(text).total < 60).collect();
    assert!(unheard.is_empty(), "{}: {unheard:#?}", unheard.len());
}

#[test]
fn who_invites_is_heard_whatever_the_model_says_and_a_notice_is_not() {
    assert!(Score { invites: true, ..Score::default() }.is_soft() && !Score::default().is_soft());
    let invites = score("Wir haben Sie lange nicht gesehen, Frau Weber. Ist alles in Ordnung?");
    assert!(invites.invites && invites.total < 60, "{invites:?}");
    for notice in
        ["Your order 2041 has been shipped and will arrive on Thursday.", "Ihr Termin am 4. Mai um 9:30 ist bestätigt."]
    {
        assert!(!score(notice).is_soft(), "{notice}: {:?}", score(notice));
    }
}
