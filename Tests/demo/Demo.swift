import Glibc
import Lab
import UnixSignals

/// `make demo`: one client, one director and three real servers on this machine, and what happens to them.
///
/// Everything it says is measured, and it exits with 1 where something is not as it should be. Whatever ends it, it leaves
/// nothing behind: a second run clears what a killed one could not.
@main
enum Demo {
    static func main() async {
        if let obstacle = Lab.obstacle {
            say("make demo: \(obstacle). Type: sudo make demo")
            exit(1)
        }
        let stage = Stage()
        let status = await withTaskGroup(of: Int32.self) { group in
            group.addTask {
                do {
                    try await Story(stage).tell()
                    return 0
                } catch {
                    // Where a signal ended it, what fails then is its consequence.
                    if !Task.isCancelled { say("\nFAILED: \(error)") }
                    return 1
                }
            }
            group.addTask {
                for await signal in await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup) {
                    say("\n\(signal): clearing away")
                    return 130
                }
                // The story ended first.
                return 0
            }
            let first = await group.next() ?? 1
            group.cancelAll()
            return first
        }
        do {
            try await stage.clear()
        } catch {
            say("FAILED to clear away: \(error)")
            exit(1)
        }
        exit(status)
    }
}

/// Prints a line at once.
func say(_ line: String = "") {
    print(line)
    fflush(nil)
}

/// What has to be cleared away in the end, however it ends.
actor Stage {
    private var lab: Lab?
    private var isCleared = false

    /// Builds the lab, unless it is over already.
    func build() async throws -> Lab {
        let lab = try await Lab()
        self.lab = lab
        return lab
    }

    /// Removes what there is.
    func clear() async throws {
        guard !isCleared else { return }
        isCleared = true
        // In a task of its own: the one that calls may have been cancelled.
        if let lab { try await Task.detached { try await lab.remove() }.value }
    }
}
