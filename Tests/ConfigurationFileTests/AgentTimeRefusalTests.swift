import ConfigurationFile
import Testing

@Suite("rsagent.toml: times")
struct AgentTimeRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "a time without a unit",
            service: #"""
                [[service.check]]
                tcp = true
                interval = 5
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: 5 has no unit; write the unit: interval = "5s", or ms, m, h \#
            (100ms to 1h)
            """#),
        AgentRefusal(
            "a time as text without a unit",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "5"
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: 5 has no unit; write the unit: interval = "5s", or ms, m, h \#
            (100ms to 1h)
            """#),
        AgentRefusal(
            "a time with decimals and no unit",
            service: #"""
                [[service.check]]
                tcp = true
                interval = 1.5
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: 1.5 has no unit; write the unit: interval = "1.5s", or ms, m, \#
            h (100ms to 1h)
            """#),
        AgentRefusal(
            "a time in a unit that is not there",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "1 day"
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: "1 day" is not a time; write a number and ms, s, m or h, such \#
            as "500ms" (100ms to 1h)
            """#),
        AgentRefusal(
            "a negative time",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "-1s"
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: "-1s" is not a time; write a number and ms, s, m or h, such \#
            as "500ms" (100ms to 1h)
            """#),
        AgentRefusal(
            "an interval too short",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "99ms"
                timeout = "50ms"
                """#,
            #"f.toml:7: service[0].check[0].interval: "99ms" is out of range; write a time of 100ms to 1h"#),
        AgentRefusal(
            "an interval too long",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "1.001h"
                """#,
            #"f.toml:7: service[0].check[0].interval: "1.001h" is out of range; write a time of 100ms to 1h"#),
        AgentRefusal(
            "a timeout of nothing",
            service: #"""
                [[service.check]]
                tcp = true
                timeout = "0s"
                """#,
            #"f.toml:7: service[0].check[0].timeout: "0s" is out of range; write a time of 10ms to 1h"#),
        AgentRefusal(
            "a timeout longer than the interval",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "1.5s"
                timeout = "2s"
                """#,
            #"""
            f.toml:8: service[0].check[0].timeout: the timeout, 2s, is longer than the interval, 1500ms; write \#
            timeout = "1500ms" or less, or a longer interval
            """#),
        AgentRefusal(
            "a standard timeout longer than the interval",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "200ms"
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: the timeout, 500ms, is longer than the interval, 200ms; write \#
            timeout = "200ms" or less, or a longer interval
            """#),
        AgentRefusal(
            "a timeout longer than the standard interval",
            service: #"""
                [[service.check]]
                tcp = true
                timeout = "2s"
                """#,
            #"""
            f.toml:7: service[0].check[0].timeout: the timeout, 2s, is longer than the interval, 1s; write \#
            timeout = "1s" or less, or a longer interval
            """#),
        AgentRefusal(
            "a date whose time is none", service: #"vip = 2026-01-01T:"#,
            #"""
            f.toml:5: syntax error: a date has half a time behind it; write text in double quotes; no key of this \#
            file takes a date
            """#),
        AgentRefusal(
            "an empty time",
            service: #"""
                [[service.check]]
                tcp = true
                interval = ""
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: "" is not a time; write a number and ms, s, m or h, such as \#
            "500ms" (100ms to 1h)
            """#),
        AgentRefusal(
            "a time that is a list",
            service: #"""
                [[service.check]]
                tcp = true
                interval = ["1s"]
                """#,
            #"f.toml:7: service[0].check[0].interval: is a list, not a time; write interval = "500ms" (100ms to 1h)"#),
        AgentRefusal(
            "a faster interval longer than the interval",
            service: #"""
                [[service.check]]
                tcp = true
                fast_interval = "2s"
                [[service.check]]
                tcp = true
                interval = "500ms"
                fast_interval = "501ms"
                """#,
            #"""
            f.toml:7: service[0].check[0].fast_interval: 2s is longer than the interval, 1s; write fast_interval = \#
            "1s" or less, or a longer interval
            f.toml:11: service[0].check[1].fast_interval: 501ms is longer than the interval, 500ms; write \#
            fast_interval = "500ms" or less, or a longer interval
            """#),
        AgentRefusal(
            "a faster interval too short",
            service: #"""
                [[service.check]]
                tcp = true
                fast_interval = "99ms"
                """#,
            #"f.toml:7: service[0].check[0].fast_interval: "99ms" is out of range; write a time of 100ms to 1h"#),
        AgentRefusal(
            "of an interval that is wrong, what is longer is not refused as well",
            service: #"""
                [[service.check]]
                tcp = true
                interval = "x"
                fast_interval = "5s"
                timeout = "5s"
                [[service.check]]
                tcp = true
                interval = "200ms"
                timeout = "x"
                """#,
            #"""
            f.toml:7: service[0].check[0].interval: "x" is not a time; write a number and ms, s, m or h, such as \#
            "500ms" (100ms to 1h)
            f.toml:13: service[0].check[1].timeout: "x" is not a time; write a number and ms, s, m or h, such as \#
            "500ms" (10ms to 1h)
            """#),
    ]
}
