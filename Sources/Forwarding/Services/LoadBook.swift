internal import Synchronization

/// How many connections each server has, over all the ``Forwarder``s that share this book: what least-connection schedulers and
/// thresholds go by. Each forwarder counts there what it counts for itself; nothing waits for anything.
///
/// A page is added with a server's first forwarder and goes with its last, under a lock, never while packets pass.
public final class LoadBook: Sendable {
    /// A page and how many forwarders have it open.
    private struct Entry {
        let page: UnsafeMutablePointer<LoadPage>
        var readers = 1
    }

    private struct Index: ~Copyable, @unchecked Sendable {
        var entries: [Server.Identity: Entry] = [:]

        deinit {
            for entry in entries.values {
                entry.page.deinitialize(count: 1)
                entry.page.deallocate()
            }
        }
    }

    private let index = Mutex(Index())

    /// An empty book.
    public init() {}

    /// The page of a server, valid until it is closed as often as it was opened.
    func open(_ server: Server.Identity) -> UnsafeMutablePointer<LoadPage> {
        let address = index.withLock { index -> UInt in
            if let entry = index.entries[server] {
                index.entries[server]?.readers += 1
                return UInt(bitPattern: entry.page)
            }
            let page = UnsafeMutablePointer<LoadPage>.allocate(capacity: 1)
            page.initialize(to: LoadPage())
            index.entries[server] = Entry(page: page)
            return UInt(bitPattern: page)
        }
        guard let page = UnsafeMutablePointer<LoadPage>(bitPattern: address) else {
            preconditionFailure("a page is somewhere")
        }
        return page
    }

    /// One forwarder less has a server's page open.
    func close(_ server: Server.Identity) {
        index.withLock { index in
            guard var entry = index.entries[server] else { return }
            entry.readers -= 1
            index.entries[server] = entry.readers > 0 ? entry : nil
            guard entry.readers == 0 else { return }
            entry.page.deinitialize(count: 1)
            entry.page.deallocate()
        }
    }
}

/// A server's connections, over all forwarders.
struct LoadPage: ~Copyable {
    private let activeCount = Atomic<Int>(0)
    private let inactiveCount = Atomic<Int>(0)
    private let overload = Atomic<Bool>(false)

    @inline(__always)
    var active: Int { activeCount.load(ordering: .relaxed) }

    @inline(__always)
    var inactive: Int { inactiveCount.load(ordering: .relaxed) }

    /// So many active connections more, and inactive ones.
    @inline(__always)
    func count(active: Int = 0, inactive: Int = 0) {
        if active != 0 { activeCount.wrappingAdd(active, ordering: .relaxed) }
        if inactive != 0 { inactiveCount.wrappingAdd(inactive, ordering: .relaxed) }
    }

    /// See ``Server/isOverloaded``.
    @inline(__always)
    var isOverloaded: Bool {
        get { overload.load(ordering: .relaxed) }
        nonmutating set {
            // Read first: a line that nobody writes to stays in every core's cache.
            if isOverloaded != newValue { overload.store(newValue, ordering: .relaxed) }
        }
    }
}
