import ConfigurationFile

/// Lets others wait until the servers listen.
actor Listening {
    private enum State {
        case starting
        case listening([SocketAddress])
        case failed(any Error)
    }

    private var state = State.starting
    private var waiters: [CheckedContinuation<[SocketAddress], any Error>] = []

    func wait() async throws -> [SocketAddress] {
        switch state {
        case .listening(let addresses): return addresses
        case .failed(let error): throw error
        case .starting: return try await withCheckedThrowingContinuation { waiters.append($0) }
        }
    }

    func succeed(_ addresses: [SocketAddress]) {
        guard case .starting = state else { return }
        state = .listening(addresses)
        for waiter in waiters { waiter.resume(returning: addresses) }
        waiters = []
    }

    func fail(_ error: any Error) {
        guard case .starting = state else { return }
        state = .failed(error)
        for waiter in waiters { waiter.resume(throwing: error) }
        waiters = []
    }
}
