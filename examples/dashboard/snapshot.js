// One snapshot for several queries.

// Calls work(query) in a transaction that only reads and whose queries all see the same
// moment; query(text, ...values) returns rows.  If work fails, COMMIT rolls back.
export async function inSnapshot(client, work) {
    await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    try {
        return await work(async (text, ...values) => (await client.query(text, values)).rows);
    } finally {
        await client.query("COMMIT");
    }
}
