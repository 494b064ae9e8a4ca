internal import Glibc

/// This boot of the machine.
public enum Boot {
    /// `/proc/sys/kernel/random/boot_id` (random(4)): a new one at every boot.
    public static func identifier() throws(SetupError) -> String {
        let path = "/proc/sys/kernel/random/boot_id"
        guard let text = try File.read(path) else { throw File.failure("read", path, ENOENT) }
        return String(decoding: text.filter { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
}
