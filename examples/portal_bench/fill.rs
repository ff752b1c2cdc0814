//! A long log, written straight into the tables.

use super::Failure;
use wa_gateway::{
    app::Running,
    model::clock::Time,
    store::{StoreError, WriteTx},
};

/// Rows of one transaction.
const CHUNK: u64 = 50_000;
const PEOPLE: u64 = 20_000;
const DAYS: u64 = 90;

/// A message's number as its id has it.
pub fn padded(number: u64) -> String {
    format!("{number:026}")
}

/// `messages` messages of the last ninety days, evenly.
pub async fn fill(running: &Running, messages: u64, now: Time) -> Result<(), Failure> {
    let (step, begun) = (DAYS * 86_400_000 / messages.max(1), now.millis() - (DAYS * 86_400_000) as i64);
    let store = &running.gateway.store;
    store.write(move |tx| people(tx, begun)).await.map_err(told)?;
    let mut from = 1;
    while from <= messages {
        let to = (from + CHUNK - 1).min(messages);
        store.write(move |tx| chunk(tx, from as i64, to as i64, begun, step as i64)).await.map_err(told)?;
        from = to + 1;
    }
    store.write(usage).await.map_err(told)
}

fn told(e: StoreError) -> Failure {
    e.to_string().into()
}

fn people(tx: &WriteTx<'_>, begun: i64) -> Result<(), StoreError> {
    let count = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";
    let people = PEOPLE as i64;
    tx.execute(
        &format!(
            "{count} INSERT INTO contacts (id, account_id, name, first_outbound_at, created_at)
                  SELECT i, 1, 'Person ' || i, ?2, ?2 FROM n"
        ),
        (people, begun),
    )?;
    tx.execute(
        &format!("{count} INSERT INTO contact_identities (account_id, kind, value, contact_id) SELECT 1, 'phone', printf('+9665%08d', i), i FROM n"),
        [people],
    )?;
    tx.execute(
        &format!(
            "{count} INSERT INTO conversations (id, account_id, instance_id, contact_id, sequence, last_message_at, \
                  last_inbound_at, created_at) SELECT i, 1, 'bench-line', i, 10, ?2, ?2, ?2 FROM n"
        ),
        (people, begun),
    )?;
    tx.execute(
        &format!(
            "{count} INSERT INTO suppressions (account_id, contact_id, source, reason, instance_id, since)
                  SELECT 1, i * 10, 'recipient', 'STOP', 'bench-line', ?2 FROM n"
        ),
        (people / 10, begun),
    )?;
    Ok(())
}

fn chunk(tx: &WriteTx<'_>, from: i64, to: i64, begun: i64, step: i64) -> Result<(), StoreError> {
    let count = format!(
        "WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2),
              m AS (SELECT i, {begun} + i * {step} AS at, i * 7919 % {PEOPLE} + 1 AS who FROM n)"
    );
    tx.execute(
        &format!(
            "{count} INSERT INTO messages (id, message_id, account_id, key_id, source, instance_id, contact_id, recipient,
                 purpose, kind, body, reference, fingerprint, status, reason, provider_message_id, quota, day, month,
                 created_at, updated_at, sent_at)
             SELECT i, printf('msg_%026d', i), 1, 1, 'api', 'bench-line', who, printf('+9665%08d', who),
                 CASE i % 4 WHEN 0 THEN 'support' ELSE 'transactional' END, 'text',
                 'Hello Person ' || who || ', your order ' || i || CASE i % 50 WHEN 0 THEN ' waits at the pharmacy.'
                     ELSE ' has been handed to the courier and arrives tomorrow before noon.' END,
                 'order-' || i, i,
                 CASE WHEN i % 100 = 0 THEN 'failed' WHEN i % 37 = 0 THEN 'blocked' WHEN i % 3 = 0 THEN 'read'
                     ELSE 'delivered' END,
                 CASE WHEN i % 100 = 0 THEN 'the recipient has no WhatsApp' WHEN i % 37 = 0 THEN 'sending_throttled' END,
                 'sbx_' || i, CASE WHEN i % 37 = 0 THEN 'none' ELSE 'counted' END,
                 date(at / 1000, 'unixepoch'), strftime('%Y-%m', at / 1000, 'unixepoch'), at, at + 900, at + 400
             FROM m"
        ),
        (from, to),
    )?;
    tx.execute(
        &format!(
            "{count} INSERT INTO policy_decisions (log_id, verdict, gate, action, score, signals, figures) SELECT i, CASE WHEN i % 37 = 0 THEN 'refuse' ELSE 'pass' END,
                 CASE WHEN i % 37 = 0 THEN 'pace' END, CASE WHEN i % 37 = 0 THEN 'throttle' END, 5, '[]', '{{}}' FROM m"
        ),
        (from, to),
    )?;
    tx.execute(
        &format!(
            "{count} INSERT INTO inbound_messages (account_id, instance_id, chat, provider_message_id, contact_id,
                 conversation_id, sequence, kind, body, heard_at, created_at)
             SELECT 1, 'bench-line', 'contact:' || who, 'in_' || i, who, who, i, 'text', 'Thank you, ' || i, at, at
             FROM m WHERE i % 5 = 0"
        ),
        (from, to),
    )?;
    tx.execute(
        &format!(
            "{count} INSERT INTO events (id, event_id, account_id, instance_id, name, body, created_at, is_told)
             SELECT i, printf('evt_%026d', i), 1, 'bench-line', 'message.sent', '{{\"event\":\"message.sent\"}}', at, 1
             FROM m WHERE i % 5 = 0"
        ),
        (from, to),
    )?;
    tx.execute(
        &format!(
            "{count} INSERT INTO deliveries (event_id, endpoint_id, state, attempts, due_at, last_status, last_at, delivered_at)
             SELECT i, 1, 'delivered', 1, at, 200, at, at FROM m WHERE i % 5 = 0"
        ),
        (from, to),
    )?;
    Ok(())
}

fn usage(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    for (table, period) in [("usage_days", "day"), ("usage_months", "month")] {
        tx.execute(
            &format!(
                "INSERT INTO {table} (account_id, {period}, counted) SELECT 1, {period}, count(*) FROM messages WHERE quota = 'counted' GROUP BY 2"
            ),
            [],
        )?;
    }
    Ok(())
}
