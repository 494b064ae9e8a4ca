internal import Glibc

/// An open file descriptor, closed with its owner.
struct FileDescriptor: ~Copyable {
    let rawValue: CInt

    /// Takes over a descriptor nobody else will close.
    init(adopting rawValue: CInt) {
        self.rawValue = rawValue
    }

    deinit {
        close(rawValue)
    }
}
