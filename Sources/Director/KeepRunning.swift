/// Runs one task for each of the latest wishes, and starts and stops them as the wishes change: one whose wish stays the same
/// goes on undisturbed. Ends when cancelled, and with it all of them.
func keepRunning<Wish: Identifiable & Equatable & Sendable>(
    _ wishes: AsyncStream<[Wish]>, _ work: @escaping @Sendable (Wish) async -> Void
) async where Wish.ID: Sendable {
    var running: [Wish.ID: (wish: Wish, task: Task<Void, Never>)] = [:]
    for await latest in wishes {
        let wanted = Dictionary(latest.map { ($0.id, $0) }) { first, _ in first }
        for (id, entry) in running where wanted[id] != entry.wish {
            entry.task.cancel()
            running[id] = nil
        }
        for (id, wish) in wanted where running[id] == nil {
            running[id] = (wish, Task { await work(wish) })
        }
    }
    for entry in running.values { entry.task.cancel() }
    for entry in running.values { await entry.task.value }
}
