"""Three hosts: the platform's, the agent's and the token server's, each a network namespace. Needs root."""
import os
import subprocess

PLATFORM_IP, AGENT_IP, INSIDE_IP, SERVER_IP = "10.77.1.1", "10.77.1.2", "10.77.2.1", "10.77.2.2"


def sh(*argv, check=True, stdin=None):
    return subprocess.run(argv, check=check, capture_output=True, text=True, input=stdin)


class Hosts:
    """Namespaces of this process's own, joined by veth pairs; removed at the end."""

    def __init__(self):
        self.names = {host: f"cx{os.getpid()}{host}" for host in ("platform", "agent", "server")}
        for name in self.names.values():
            sh("ip", "netns", "add", name)
            self.on_name(name, "ip", "link", "set", "lo", "up")
        self.join("platform", PLATFORM_IP, "agent", AGENT_IP)
        self.join("agent", INSIDE_IP, "server", SERVER_IP)

    def on_name(self, name, *argv, check=True, stdin=None):
        return sh("ip", "netns", "exec", name, *argv, check=check, stdin=stdin)

    def on(self, host, *argv, check=True, stdin=None):
        return self.on_name(self.names[host], *argv, check=check, stdin=stdin)

    def prefix(self, host):
        return ("ip", "netns", "exec", self.names[host])

    def device(self, one, other):
        """The end on `one` of the pair that joins it with `other`."""
        return f"v{os.getpid() % 100000}{one[0]}{other[0]}"

    def join(self, one, one_ip, other, other_ip):
        ends = [self.device(one, other), self.device(other, one)]
        sh("ip", "link", "add", ends[0], "netns", self.names[one], "type", "veth", "peer", "name", ends[1], "netns",
           self.names[other])
        for host, end, ip in ((one, ends[0], one_ip), (other, ends[1], other_ip)):
            self.on(host, "ip", "addr", "add", f"{ip}/24", "dev", end)
            self.on(host, "ip", "link", "set", end, "up")

    def drop(self, host, rule, hook="input"):
        """Drop silently what matches, until `heal`."""
        self.on(host, "nft", "-f", "-", stdin=f"table inet cut {{ chain {hook} {{ type filter hook {hook} priority 0; "
                                              f"policy accept; {rule} drop; }}\n }}\n")

    def heal(self, host):
        self.on(host, "nft", "delete", "table", "inet", "cut", check=False)

    def remove(self):
        for name in self.names.values():
            sh("ip", "netns", "delete", name, check=False)
