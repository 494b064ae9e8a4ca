/// Runs `body`, and removes the lab whatever happened.
public func clearing(_ lab: Lab, _ body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch {
        for host in lab.hosts {
            let logs = try? await Command.run(["sh", "-c", "tail -n 20 \(host.directory)/rs*.log 2>/dev/null"])
            if let text = logs?.output, !text.isEmpty { print("\(host.name): \(text)") }
        }
        try await lab.remove()
        throw error
    }
    try await lab.remove()
}
