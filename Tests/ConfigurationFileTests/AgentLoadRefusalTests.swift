import ConfigurationFile
import Testing

@Suite("rsagent.toml: how the weight follows load")
struct AgentLoadRefusalTests {
    @Test("is refused with its line, its key and what to write instead", arguments: refusals)
    func refused(_ refusal: AgentRefusal) {
        #expect(refusal.problems == refusal.expected)
    }

    static let refusals: [AgentRefusal] = [
        AgentRefusal(
            "no rule", service: #"[service.load]"#,
            #"""
            f.toml:5: service[0].load: names nothing that the weight is to follow; write cpu = 0.8 or another of \#
            cpu, cpu_pressure, memory, load_average, connections, command, or remove it
            """#),
        AgentRefusal(
            "settings without a rule",
            service: #"""
                [service.load]
                min = 10
                max = 50
                smoothing = "5s"
                step = 2
                """#,
            #"""
            f.toml:5: service[0].load: names nothing that the weight is to follow; write cpu = 0.8 or another of \#
            cpu, cpu_pressure, memory, load_average, connections, command, or remove it
            """#),
        AgentRefusal(
            "shares that are none",
            service: #"""
                [service.load]
                cpu = 1
                cpu_pressure = 0
                memory = 1.0
                """#,
            #"""
            f.toml:6: service[0].load.cpu: 1 is not above 0 and below 1; write a share, such as cpu = 0.8
            f.toml:7: service[0].load.cpu_pressure: 0 is not above 0 and below 1; write a share, such as \#
            cpu_pressure = 0.2
            f.toml:8: service[0].load.memory: 1 is not above 0 and below 1; write a share, such as memory = 0.9
            """#),
        AgentRefusal(
            "percentages",
            service: #"""
                [service.load]
                cpu = 80
                cpu_pressure = 20.0
                memory = 150
                """#,
            #"""
            f.toml:6: service[0].load.cpu: 80 is not above 0 and below 1; write cpu = 0.8
            f.toml:7: service[0].load.cpu_pressure: 20 is not above 0 and below 1; write cpu_pressure = 0.2
            f.toml:8: service[0].load.memory: 150 is not above 0 and below 1; write a share, such as memory = 0.9
            """#),
        AgentRefusal(
            "shares that are no number",
            service: #"""
                [service.load]
                cpu = nan
                cpu_pressure = -inf
                memory = "80%"
                """#,
            #"""
            f.toml:6: service[0].load.cpu: nan is not above 0 and below 1; write a share, such as cpu = 0.8
            f.toml:7: service[0].load.cpu_pressure: -inf is not above 0 and below 1; write a share, such as \#
            cpu_pressure = 0.2
            f.toml:8: service[0].load.memory: is text, not a number; write memory = 0.9, a share above 0 and below 1
            """#),
        AgentRefusal(
            "figures that are none",
            service: #"""
                [service.load]
                load_average = 0
                connections = 0
                """#,
            #"""
            f.toml:6: service[0].load.load_average: 0 is out of range; write a number above 0, of at most 1000
            f.toml:7: service[0].load.connections: 0 is out of range; write a whole number of 1 to 100000000
            """#),
        AgentRefusal(
            "figures beyond the range",
            service: #"""
                [service.load]
                load_average = 1000.5
                connections = 100000001
                """#,
            #"""
            f.toml:6: service[0].load.load_average: 1000.5 is out of range; write a number above 0, of at most 1000
            f.toml:7: service[0].load.connections: 100000001 is out of range; write a whole number of 1 to 100000000
            """#),
        AgentRefusal(
            "figures that are no number",
            service: #"""
                [service.load]
                load_average = "2"
                connections = 1.5
                """#,
            #"""
            f.toml:6: service[0].load.load_average: is text, not a number; write a number above 0, of at most 1000
            f.toml:7: service[0].load.connections: is a decimal number, not a whole number; write a whole number of \#
            1 to 100000000
            """#),
        AgentRefusal(
            "a command without its figure",
            service: #"""
                [service.load]
                command = ["/bin/load"]
                """#,
            #"""
            f.toml:5: service[0].load.command_full: is missing; write the figure up to which the full weight is \#
            reported, such as command_full = 100
            """#),
        AgentRefusal(
            "a figure without its command",
            service: #"""
                [service.load]
                cpu = 0.8
                command_full = 10
                """#,
            #"""
            f.toml:7: service[0].load.command_full: is for command; remove it, or write command = \#
            ["/usr/local/lib/rsagent/load"]
            """#),
        AgentRefusal(
            "a command as text, with a figure that is none",
            service: #"""
                [service.load]
                command = "load"
                command_full = -1
                """#,
            #"""
            f.toml:6: service[0].load.command: is text, not a list; write command = ["/usr/local/lib/rsagent/load"], \#
            the program and its arguments: there is no shell
            f.toml:7: service[0].load.command_full: -1 is out of range; write a number above 0, of at most \#
            1000000000000
            """#),
        AgentRefusal(
            "a figure of a command that is beyond the range",
            service: #"""
                [service.load]
                command = ["/bin/load"]
                command_full = 1e13
                """#,
            #"""
            f.toml:7: service[0].load.command_full: 10000000000000 is out of range; write a number above 0, of at \#
            most 1000000000000
            """#),
        AgentRefusal(
            "a smallest weight above the largest",
            service: #"""
                [service.load]
                cpu = 0.8
                min = 51
                max = 50
                """#,
            #"f.toml:7: service[0].load.min: 51 is more than max, 50; write min = 50 or less, or a larger max"#),
        AgentRefusal(
            "a smallest weight above the service's",
            service: #"""
                weight = 50
                [service.load]
                cpu = 0.8
                min = 51
                """#,
            #"""
            f.toml:8: service[0].load.min: 51 is more than the service's weight, 50; write min = 50 or less, or a \#
            larger weight
            """#),
        AgentRefusal(
            "a largest weight above the service's",
            service: #"""
                [service.load]
                cpu = 0.8
                max = 101
                """#,
            #"""
            f.toml:7: service[0].load.max: 101 is more than the service's weight, 100, which load only ever lowers; \#
            write weight = 101 in [[service]], or max = 100 or less
            """#),
        AgentRefusal(
            "weights out of range",
            service: #"""
                [service.load]
                cpu = 0.8
                min = 0
                max = 65536
                """#,
            #"""
            f.toml:7: service[0].load.min: 0 is out of range; write a whole number of 1 to 65535
            f.toml:8: service[0].load.max: 65536 is out of range; write a whole number of 1 to 65535
            """#),
        AgentRefusal(
            "bounds of a weight that is wrong itself are not refused as well",
            service: #"""
                weight = "x"
                [service.load]
                cpu = 0.8
                min = 200
                max = 300
                """#,
            #"f.toml:5: service[0].weight: is text, not a whole number; write a whole number of 0 to 65535"#),
        AgentRefusal(
            "load of a service without weight",
            service: #"""
                weight = 0
                [service.load]
                cpu = 0.8
                """#,
            #"""
            f.toml:6: service[0].load: has nothing to take from: the service's weight is 0; remove it, or write a \#
            weight of 1 to 65535 in [[service]]
            """#),
        AgentRefusal(
            "smoothing and steps beyond the range",
            service: #"""
                [service.load]
                cpu = 0.8
                smoothing = "11m"
                step = 0
                """#,
            #"""
            f.toml:7: service[0].load.smoothing: "11m" is out of range; write a time of 0s to 10m
            f.toml:8: service[0].load.step: 0 is out of range; write a whole number of 1 to 50
            """#),
        AgentRefusal(
            "smoothing that is no time, steps too large",
            service: #"""
                [service.load]
                cpu = 0.8
                smoothing = "x"
                step = 51
                """#,
            #"""
            f.toml:7: service[0].load.smoothing: "x" is not a time; write a number and ms, s or m, such as "500ms" \#
            (0s to 10m)
            f.toml:8: service[0].load.step: 51 is out of range; write a whole number of 1 to 50
            """#),
        AgentRefusal(
            "load in double brackets",
            service: #"""
                [[service.load]]
                cpu = 0.8
                """#,
            #"f.toml:5: service[0].load: is a list, not a table; write [service.load] on a line of its own"#),
        AgentRefusal(
            "misspelt and foreign keys of load",
            service: #"""
                [service.load]
                cpu = 0.8
                memroy = 0.9
                weight = 10
                exec = ["/bin/true"]
                """#,
            #"""
            f.toml:7: service[0].load.memroy: is not a key; did you mean memory?
            f.toml:8: service[0].load.weight: does not belong here; move it into [[service]]
            f.toml:9: service[0].load.exec: does not belong here; move it into [[service.check]]
            """#),
        AgentRefusal(
            "a slow start beyond the range", service: #"slow_start = "2h""#,
            #"f.toml:5: service[0].slow_start: "2h" is out of range; write a time of 0s to 1h"#),
    ]
}
