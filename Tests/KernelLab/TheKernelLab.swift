import Lab
import Testing

/// What needs Debian's kernel, one test after the other: the guest has little to share.
@Suite(
    "The kernel lab",
    .enabled(if: KernelIPVS.isAvailable, "this kernel has no ip_vs; make test runs it in a guest that has"),
    .serialized)
enum TheKernelLab {}

/// The kernel's own director.
enum KernelIPVS {
    /// Whether this kernel has it, and with it the devices that go with Debian's kernel.
    static let isAvailable = (try? Command.require("ipvsadm -Ln")) != nil
}
