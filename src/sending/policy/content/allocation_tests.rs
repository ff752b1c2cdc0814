//! The model judges without asking for memory, whatever the message: counted by the allocator of the unit tests.

use super::{
    model::{BUILT, Model, features},
    reading,
};
use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    hint::black_box,
};

/// The system's allocator, which counts what each thread asks of it.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "an allocator is an unsafe trait; each call is handed to the system's as it is")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note();
        unsafe { System.realloc(at, layout, size) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }
}

fn note() {
    ASKED.with(|asked| asked.set(asked.get() + 1));
}

/// How often `work` asks for memory.
fn allocations(work: impl FnOnce()) -> u64 {
    let before = ASKED.with(Cell::get);
    work();
    ASKED.with(Cell::get) - before
}

#[test]
fn the_model_asks_for_no_memory() {
    let model = Model::built_in();
    let notice = "Hello Maria, your order 20418 has left our warehouse. Track it here: https://shop.example/t/20418 ";
    for text in [
        "",
        notice,
        &notice.repeat(40),
        "🔥 MEGA SALE! Up to 70% OFF, $5 for each, today 9:30 until 12.05.! s a l e fr\u{200b}ee",
        "خصم ٥٠٪ على جميع المنتجات اليوم فقط، تسوق الآن",
        "Ваш заказ 20418 передан в службу доставки",
    ] {
        let read = reading::read(text);
        let judged = allocations(|| {
            let x = features(&[30; BUILT], Some(0), &read, text);
            black_box(model.judge(&x, &read).share());
        });
        assert_eq!(judged, 0, "{text}");
        // The counter counts: reading the message makes its folded text.
        assert!(text.is_empty() || allocations(|| drop(black_box(reading::read(text)))) > 0, "{text}");
    }
}
