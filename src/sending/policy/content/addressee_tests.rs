//! Where names are found, and where they are not.

use super::*;

fn found(message: &str) -> Vec<&str> {
    names(message).ranges().map(|range| &message[range]).collect()
}

#[test]
fn names_are_found_where_people_are_called() {
    for (message, want) in [
        ("Hi Anna, your order", vec!["Anna"]),
        ("Hi anna, your order", vec!["anna"]),
        ("Dear Mr. John R. Smith, your order", vec!["John R. Smith"]),
        ("Hello Anna your order", vec!["Anna"]),
        ("Hello your order is ready", vec![]),
        ("Hello! Your order is ready", vec![]),
        ("Hello, your order is ready", vec![]),
        ("Anna, your order", vec!["Anna"]),
        ("Maria José, sua encomenda", vec!["Maria José"]),
        ("Your order is ready, Anna!", vec!["Anna"]),
        ("Thank you, Anna Smith.", vec!["Anna Smith"]),
        ("Thanks Anna! See you, Anna.", vec!["Anna", "Anna"]),
        ("Costa Salon: Hi Anna, see you", vec!["Anna"]),
        ("Reminder\nHi Łukasz, see you", vec!["Łukasz"]),
        ("*Hola Lucía*, su pedido", vec!["Lucía"]),
        ("👋 Olá, bom dia, Maria da Silva! Seu pedido", vec!["Maria da Silva"]),
        ("Sehr geehrte Frau Müller-Lüdenscheidt, Ihre Rechnung ist da", vec!["Müller-Lüdenscheidt"]),
        ("Bonjour Mme Dupont, votre commande", vec!["Dupont"]),
        ("Gentile dott. Rossi, il suo ordine", vec!["Rossi"]),
        ("Sayın Ahmet Yılmaz, siparişiniz", vec!["Ahmet Yılmaz"]),
        ("Halo Kak Budi, pesanan", vec!["Budi"]),
        ("Здравствуйте, Анна Ивановна! Ваш заказ", vec!["Анна Ивановна"]),
        ("Добрый день, Мария. Ваш заказ", vec!["Мария"]),
        ("مرحبا أحمد، تم شحن طلبك", vec!["أحمد"]),
        ("السيد عبد الله، طلبك جاهز", vec!["عبد الله"]),
        ("Ibu Sari, pesanan", vec!["Sari"]),
        ("عزيزي عبد الله طلبك جاهز", vec!["عبد الله"]),
        ("مرحبا، طلبك جاهز وسيصل غدا", vec![]),
        ("شكرا لك يا أحمد!", vec!["أحمد"]),
        ("שלום דנה, ההזמנה מוכנה", vec!["דנה"]),
        ("היי דנה ההזמנה מוכנה", vec!["דנה"]),
        ("Hello Мария, your order", vec!["Мария"]),
        ("Hello 王芳, your order", vec!["王芳"]),
        ("", vec![]),
        (",", vec![]),
        ("Hi", vec![]),
        ("Hi ,", vec![]),
    ] {
        assert_eq!(found(message), want, "{message}");
    }
}
