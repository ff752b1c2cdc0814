//! What somebody is called decides nothing: each text has one score, whoever it is sent to.

use super::{kinds_tests::POLICY, *};

/// The most common first names of a language's countries, girls' and boys', some in two parts.
const FIRST_NAMES: [(&str, &str); 11] = [
    (
        "en",
        "Olivia Emma Charlotte Amelia Sophia Isabella Mia Evelyn Harper Grace Chloe Lily Emily Hannah Sarah Mary Jennifer \
         Linda Patricia Jessica Liam Noah Oliver James William Benjamin Lucas Henry Theodore Jack Levi Alexander Daniel \
         Michael David Robert John Richard Joseph Thomas Chris Mark Will Bill Frank Rose Joy Hope Faith Chase Grant Rich",
    ),
    (
        "ar",
        "محمد أحمد علي عمر خالد عبدالله سعد فهد سلطان يوسف إبراهيم حسن حسين مصطفى محمود كريم طارق سامي ماجد ناصر فاطمة \
         عائشة مريم سارة نورة ليلى زينب هدى أمل سلمى ريم دانة لمى منى هند رنا نور ياسمين شهد غادة هدية سعيد جميل وليد",
    ),
    (
        "he",
        "נועם דוד אריאל יוסף לביא איתן דניאל אורי רפאל משה יהודה אברהם יוסי עמית רון תמר אביגיל נועה שרה מאיה יעל איילה \
         אסתר שירה דנה מיכל רחל לאה הילה ענת גיל טל שי אור מתן מתנה חן",
    ),
    (
        "es",
        "Lucía Sofía Martina María Julia Paula Valeria Emma Daniela Carla Carmen Ana Laura Marta Isabel Rosario Dolores \
         Hugo Mateo Martín Lucas Leo Daniel Alejandro Manuel Pablo Álvaro José Juan Francisco Javier Antonio Ángel Íñigo \
         Jesús Consuelo Pilar Mercedes Esperanza Salvador",
    ),
    (
        "pt",
        "Maria Ana Helena Alice Laura Sofia Isabella Valentina Júlia Beatriz Mariana Letícia Camila Fernanda Vitória \
         Miguel Arthur Gael Heitor Davi Gabriel Bernardo Samuel João Pedro Lucas Rafael Matheus Gustavo Antônio José \
         Francisco Vinícius Luís Conceição Fátima Glória",
    ),
    (
        "fr",
        "Jade Louise Ambre Alba Emma Rose Alice Romy Anna Lina Léa Manon Camille Chloé Nathalie Isabelle Gabriel Raphaël \
         Léo Louis Jules Arthur Adam Noah Hugo Lucas Nathan Théo Jean Pierre Michel Philippe Élodie Zoé François Aimée \
         Désirée Modeste Clément",
    ),
    (
        "de",
        "Emilia Mia Sophia Emma Hannah Lina Mila Ella Leni Clara Marie Anna Lena Sabine Petra Ursula Noah Matteo Elias Luca \
         Leon Paul Finn Emil Ben Felix Maximilian Jonas Lukas Thomas Michael Andreas Jürgen Günter Käthe Björn Gabi Rosa \
         Ernst Frank Wunibald",
    ),
    (
        "tr",
        "Defne Asel Zeynep Asya Gökçe Nehir Azra Elif Ayşe Fatma Emine Hatice Meryem Büşra Şeyma Alparslan Yusuf Göktuğ \
         Miraç Ömer Eymen Mustafa Mehmet Ahmet Ali Hüseyin İbrahim Murat Emre Can Deniz Umut Barış Sevgi Ümit Çağla Işıl \
         Özgür Mutlu Güzel Hediye",
    ),
    (
        "id",
        "Siti Sri Dewi Nur Putri Ayu Dwi Rina Lestari Wati Indah Fitri Intan Kartika Muhammad Agus Budi Eko Adi Bambang \
         Joko Hendra Rizky Dedi Andi Wahyu Bayu Yusuf Rudi Slamet Bagus Hadi Untung Rejeki Murni Sari Made Ketut",
    ),
    (
        "it",
        "Sofia Aurora Giulia Ginevra Vittoria Beatrice Alice Ludovica Emma Matilde Chiara Francesca Sara Martina Maria \
         Leonardo Edoardo Tommaso Francesco Alessandro Mattia Lorenzo Gabriele Riccardo Andrea Giuseppe Antonio Marco \
         Luca Niccolò Gioia Fortunato Donato Libero",
    ),
    (
        "ru",
        "София Мария Анна Ева Виктория Алиса Василиса Полина Елизавета Вероника Екатерина Ольга Наталья Татьяна Ирина \
         Светлана Михаил Александр Максим Артём Марк Лев Дмитрий Иван Тимофей Матвей Сергей Андрей Алексей Николай Юрий \
         Вера Надежда Любовь Роман Мир Слава",
    ),
];

/// For each language: ways to call somebody, and what is told then.
const TEXTS: [(&str, [&str; 3], [&str; 4]); 11] = [
    (
        "en",
        ["Hello {}, ", "Dear Mr. {}: ", "{}, "],
        [
            "we miss you. Drop in this week and have a look at what is new in our shop.",
            "your order 20418 has been shipped and arrives on Thursday.",
            "your new card is ready. Please call us today to pick a time.",
            "get 20% off your next haircut, this week only.",
        ],
    ),
    (
        "ar",
        ["مرحبا {}، ", "عزيزي {}، ", "{}، "],
        [
            "اشتقنا لك. زورنا هذا الأسبوع وشاهد الجديد في متجرنا.",
            "تم شحن طلبك رقم 20418 وسيصل يوم الخميس.",
            "تم تحديث سعر باقتك الشهرية إلى 50 ريال ابتداء من أول يناير.",
            "خصم 20% على زيارتك القادمة هذا الأسبوع فقط.",
        ],
    ),
    (
        "he",
        ["שלום {}, ", "היי {}! ", "{}, "],
        [
            "התגעגענו אליך. בואו לבקר השבוע ולראות מה חדש בחנות.",
            "הזמנה 20418 נשלחה ותגיע ביום חמישי.",
            "התור שלך עודכן ליום שלישי בשעה 10:30.",
            "20% הנחה על הביקור הבא, השבוע בלבד.",
        ],
    ),
    (
        "es",
        ["Hola {}, ", "Estimada Sra. {}: ", "{}, "],
        [
            "te echamos de menos. Pásate esta semana y mira las novedades de la tienda.",
            "su pedido 20418 fue enviado y llega el jueves.",
            "la tarjeta regalo que compró ya está lista para imprimir.",
            "20 % de descuento en su próxima visita, solo esta semana.",
        ],
    ),
    (
        "pt",
        ["Olá {}, ", "Prezado Sr. {}: ", "{}, "],
        [
            "sentimos a sua falta. Passe aqui esta semana e veja as novidades da loja.",
            "o seu pedido 20418 foi enviado e chega na quinta-feira.",
            "a sua vaga da lista de espera está livre, confirme até amanhã.",
            "20% de desconto na sua próxima visita, só esta semana.",
        ],
    ),
    (
        "fr",
        ["Bonjour {}, ", "Chère Mme {}, ", "{}, "],
        [
            "vous nous manquez. Passez cette semaine découvrir les nouveautés de la boutique.",
            "votre commande 20418 est expédiée et arrive jeudi.",
            "votre facture 20418 de 45 € est disponible, merci de la régler avant vendredi.",
            "20 % de réduction sur votre prochaine visite, cette semaine seulement.",
        ],
    ),
    (
        "de",
        ["Hallo {}, ", "Sehr geehrte Frau {}, ", "{}, "],
        [
            "wir vermissen Sie. Schauen Sie diese Woche vorbei und sehen Sie, was es Neues gibt.",
            "Ihre Bestellung 20418 wurde versandt und kommt am Donnerstag.",
            "Ihr neuer Termin ist am Montag um 9 Uhr, bitte bestätigen.",
            "20 % Rabatt auf Ihren nächsten Besuch, nur diese Woche.",
        ],
    ),
    (
        "tr",
        ["Merhaba {}, ", "Sayın {}, ", "{}, "],
        [
            "sizi özledik. Bu hafta uğrayın, mağazamızdaki yenilikleri görün.",
            "20418 numaralı siparişiniz yola çıktı, perşembe teslim edilecek.",
            "randevunuz 12 Mayıs saat 10:30 olarak güncellendi.",
            "bir sonraki ziyaretinizde %20 indirim, sadece bu hafta.",
        ],
    ),
    (
        "id",
        ["Halo {}, ", "Hai Kak {}! ", "{}, "],
        [
            "kami kangen. Mampir minggu ini dan lihat yang baru di toko kami.",
            "pesanan 20418 sudah dikirim dan tiba hari Kamis.",
            "tagihan Anda Rp150.000 jatuh tempo tanggal 10.",
            "diskon 20% untuk kunjungan berikutnya, hanya minggu ini.",
        ],
    ),
    (
        "it",
        ["Ciao {}, ", "Gentile sig.ra {}, ", "{}, "],
        [
            "ci manchi. Passa questa settimana a vedere le novità del negozio.",
            "il suo ordine 20418 è stato spedito e arriva giovedì.",
            "il suo appuntamento è confermato per martedì alle 15.",
            "20% di sconto sulla prossima visita, solo questa settimana.",
        ],
    ),
    (
        "ru",
        ["Здравствуйте, {}! ", "Уважаемая {}, ", "{}, "],
        [
            "мы скучаем. Заходите на этой неделе, посмотрите новинки магазина.",
            "ваш заказ 20418 отправлен и прибудет в четверг.",
            "ваша запись подтверждена на 12 мая в 10:30.",
            "скидка 20% на следующий визит, только на этой неделе.",
        ],
    ),
];

/// What the verdict is of, without the words for it.
fn verdict(text: &str) -> (u8, u8, Vec<(String, u8)>) {
    let score = POLICY.score(Purpose::Transactional, text);
    let signals = score.signals.iter().map(|s| (s.id.to_string(), s.weight)).collect();
    (score.total, score.model, signals)
}

#[test]
fn a_greeted_name_changes_nothing() {
    let mut wrong = Vec::new();
    for (language, ways, texts) in TEXTS {
        let own = FIRST_NAMES.iter().find(|(l, _)| *l == language).expect("names of each language").1;
        // Names of other languages and scripts are greeted as well, and names in two parts.
        let others = FIRST_NAMES.iter().filter_map(|(_, names)| names.split(' ').next());
        let pairs = own.split(' ').zip(own.split(' ').skip(7)).map(|(one, other)| format!("{one} {other}"));
        let names: Vec<String> = own.split(' ').chain(others).map(str::to_owned).chain(pairs).collect();
        for text in texts {
            for way in ways {
                let with = |name: &str| format!("{}{text}", way.replace("{}", name));
                let first = verdict(&with(&names[0]));
                wrong.extend(names.iter().map(|name| with(name)).filter(|text| verdict(text) != first));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new(), "{}", wrong.len());
}

#[test]
fn the_place_of_a_name_hides_no_offer() {
    for text in [
        "Dear FREE GIFT, 50% off all shoes today only, shop now!",
        "Hello Flash Sale, all shoes 50% off today only!",
        "Hi mum, my phone is broken, this is my new number, send me 500 today: https://pay.example",
        "Hola Gran Oferta, 50 % de descuento solo hoy, compra ya!",
        "مرحبا خصم كبير، 50% على جميع المنتجات اليوم فقط، تسوق الآن",
    ] {
        let score = POLICY.score(Purpose::Transactional, text);
        assert!(score.total >= 80, "{text}: {score:?}");
    }
}
