import ConfigurationFile
import Glibc
import NIOCore

/// Whether a file is there, or is not there, whichever is wanted. What a symbolic link points to is what counts, as with
/// `test -e`.
///
/// On a file server that does not answer access(2) blocks, for good if need be: it is called on a thread of its own.
struct FileChecker: Checker {
    let path: String
    let exists: Bool
    let timeout: Duration
    let group: any EventLoopGroup
    /// 0 where it is there, or errno. Here so that a test can make it hang.
    var look: @Sendable (String) -> CInt = { access($0, F_OK) == 0 ? 0 : errno }
    private let errand = Errand()

    init(path: String, exists: Bool, timeout: Duration, group: any EventLoopGroup) {
        (self.path, self.exists, self.timeout, self.group) = (path, exists, timeout, group)
    }

    func ask() async -> CheckOutcome {
        await asked(timeout: timeout, on: group.next()) { answer in
            errand.begin(answer) { [path, exists, look] in
                switch look(path) {
                case 0: CheckAnswer(exists, "it is there")
                case ENOENT, ENOTDIR: CheckAnswer(!exists, "it is not there")
                case let error:
                    CheckAnswer(false, "cannot look at it: \(String(cString: strerror(error)).lowercased())")
                }
            }
        }
    }
}
