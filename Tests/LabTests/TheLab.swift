import Lab
import Testing

/// Everything that runs on the lab, one test after the other: they share the machine's two cores, and some look at the whole
/// machine for what another would leave on it.
@Suite("The lab", .enabled(if: Lab.obstacle == nil, "network namespaces need root"), .serialized)
enum TheLab {}
