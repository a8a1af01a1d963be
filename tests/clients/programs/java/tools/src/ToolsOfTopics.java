import kafka.admin.ConfigCommand;
import org.apache.kafka.tools.TopicCommand;

/** kafka-topics and kafka-configs. */
final class ToolsOfTopics {
    private static final String TOPICS = "kafka-topics";
    private static final String CONFIGS = "kafka-configs";

    static void topics(Terminal terminal) throws Exception {
        String a = terminal.names + "-a";
        String all = terminal.names + ".*";
        terminal.run(TOPICS, TopicCommand::main, "--create", "--topic", a, "--partitions", "2", "--config", "retention.ms=3600000");
        terminal.run(TOPICS, TopicCommand::main, "--create", "--topic", a);
        terminal.run(TOPICS, TopicCommand::main, "--create", "--if-not-exists", "--topic", a);
        terminal.run(TOPICS, TopicCommand::main, "--create", "--topic", "not/allowed");
        terminal.run(TOPICS, TopicCommand::main, "--create", "--topic", terminal.names + "-b");
        seen(terminal, terminal.names + "-b");
        terminal.run(TOPICS, TopicCommand::main, "--list", "--topic", all);
        terminal.run(TOPICS, TopicCommand::main, "--describe", "--topic", a);
        terminal.run(TOPICS, TopicCommand::main, "--describe", "--topic", a, "--topics-with-overrides");
        terminal.run(TOPICS, TopicCommand::main, "--describe", "--unavailable-partitions", "--topic", all);
        terminal.run(TOPICS, TopicCommand::main, "--describe", "--topic", "absent");
        terminal.run(TOPICS, TopicCommand::main, "--alter", "--topic", a, "--partitions", "3");
        terminal.run(TOPICS, TopicCommand::main, "--alter", "--topic", a, "--partitions", "1");
        terminal.run(TOPICS, TopicCommand::main, "--delete", "--topic", all);
        terminal.run(TOPICS, TopicCommand::main, "--delete", "--topic", "absent");
    }

    static void configs(Terminal terminal) throws Exception {
        String a = terminal.names + "-a";
        String group = terminal.names + "-g";
        terminal.run(TOPICS, TopicCommand::main, "--create", "--topic", a);
        seen(terminal, a);
        terminal.run(CONFIGS, ConfigCommand::main, "--alter", "--entity-type", "topics", "--entity-name", a, "--add-config", "retention.ms=7200000");
        String described = "";
        while (!described.contains("7200000")) {
            described = quietly(terminal, CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "topics", "--entity-name", a);
        }
        terminal.run(CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "topics", "--entity-name", a);
        terminal.only("cleanup.policy").run(CONFIGS, ConfigCommand::main, "--describe", "--all", "--topic", a);
        terminal.run(CONFIGS, ConfigCommand::main, "--alter", "--entity-type", "topics", "--entity-name", a, "--delete-config", "retention.ms");
        terminal.run(CONFIGS, ConfigCommand::main, "--alter", "--entity-type", "topics", "--entity-name", a, "--add-config", "nonsense=1");
        terminal.run(CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "topics", "--entity-name", "absent");
        terminal.run(CONFIGS, ConfigCommand::main, "--alter", "--entity-type", "groups", "--entity-name", group, "--add-config", "consumer.session.timeout.ms=50000");
        described = "";
        while (!described.contains("50000")) {
            described = quietly(terminal, CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "groups", "--entity-name", group);
        }
        terminal.run(CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "groups", "--entity-name", group);
        terminal.only(terminal.names).run(CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "groups");
        terminal.run(CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "brokers", "--entity-name", "1");
        terminal.run(CONFIGS, ConfigCommand::main, "--describe", "--entity-type", "client-metrics");
    }

    /** The broker learns of its controller's changes a little later. */
    static void seen(Terminal terminal, String topic) throws Exception {
        while (!quietly(terminal, TOPICS, TopicCommand::main, "--list", "--topic", topic).contains(topic)) {
            Thread.onSpinWait();
        }
    }

    /** What a tool prints, which is not said: how often it is asked differs each time. */
    private static String quietly(Terminal terminal, String name, Terminal.Main main, String... arguments) throws Exception {
        return new Terminal(terminal.bootstrap, terminal.names).run(name, main, arguments);
    }
}
