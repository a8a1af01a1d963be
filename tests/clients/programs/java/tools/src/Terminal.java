import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.apache.kafka.common.utils.Exit;

/** Where tools run: what they are given, what they print, and how they end. */
final class Terminal {
    /** A tool's main method. */
    interface Main {
        void main(String[] arguments) throws Exception;
    }

    /** A tool ended its process. */
    @SuppressWarnings("serial")
    private static final class Exited extends Error { }

    /** What to speak with the broker. */
    static final String SECURITY = System.getenv().getOrDefault("SECURITY_PROTOCOL", "PLAINTEXT");

    private static final PrintStream REAL = System.out;
    private static final ByteArrayOutputStream PRINTED = new ByteArrayOutputStream();
    /** What had been printed when the tool ended, and its code: some catch what ends them here, and go on. */
    private static String last;
    /** What is to run when the process ends, and so when the tool does: the console's producer sends its last records there. */
    private static final List<Runnable> HOOKS = new ArrayList<>();
    private static int code;

    final String bootstrap;
    final String names;
    private final StringBuilder said = new StringBuilder();
    private String input = "";
    private Predicate<String> kept = line -> true;
    private boolean isListing;
    private Set<String> masked = Set.of();

    Terminal(String bootstrap, String names) {
        this.bootstrap = bootstrap;
        this.names = names;
    }

    /** From now on what is printed is kept, and who exits ends its tool only. Scala's console remembers the first stream. */
    static void open() {
        PrintStream kept = new PrintStream(new OutputStream() {
            @Override
            public void write(int one) {
                PRINTED.write(one);
            }

            @Override
            public void write(byte[] bytes, int from, int count) {
                PRINTED.write(bytes, from, count);
            }
        }, true, StandardCharsets.UTF_8);
        System.setOut(kept);
        System.setErr(kept);
        Exit.setExitProcedure((code, message) -> exits(code));
        Exit.setHaltProcedure((code, message) -> exits(code));
        Exit.setShutdownHookAdder((name, hook) -> HOOKS.add(hook));
    }

    private static void exits(int with) {
        if (last == null) {
            last = PRINTED.toString(StandardCharsets.UTF_8);
            code = with;
        }
        throw new Exited();
    }

    static void close(String text) {
        REAL.print(text);
        REAL.flush();
        // Some tool's client may linger.
        System.exit(0);
    }

    static String trace(Throwable error) {
        StringWriter trace = new StringWriter();
        error.printStackTrace(new PrintWriter(trace));
        return trace.toString();
    }

    String said() {
        return said.toString();
    }

    /** What the next tool reads. */
    Terminal given(String text) {
        input = text;
        return this;
    }

    /**
     * Of the next tool only lines count that have such a name in them, in whatever order: on the broker itself it lists
     * what others have, too, whose names may end so.
     */
    Terminal only(String name) {
        isListing = true;
        kept = Pattern.compile("(?<![\\w.-])" + Pattern.quote(name)).asPredicate();
        return this;
    }

    /** Columns of the next tool's table that differ each time. */
    Terminal masking(String... columns) {
        masked = Set.of(columns);
        return this;
    }

    /** Runs a tool that is told the broker's address. */
    String run(String name, Main main, String... arguments) throws Exception {
        List<String> all = new ArrayList<>(List.of("--bootstrap-server", bootstrap));
        all.addAll(Arrays.asList(arguments));
        return runs(name, main, String.join(" ", arguments), all);
    }

    /** Runs a tool whose subcommand stands behind the broker's address or before it. */
    String runs(String name, Main main, String shown, List<String> arguments) throws Exception {
        List<String> told = new ArrayList<>(arguments);
        // Right behind the address: some have subcommands, and options of their own behind these.
        told.addAll(told.indexOf("--bootstrap-server") + 2, List.of("--command-config", file("security.protocol=" + SECURITY)));
        PRINTED.reset();
        System.setIn(new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)));
        last = null;
        code = 0;
        try {
            main.main(told.toArray(String[]::new));
        } catch (Exited exited) {
            // What it had printed is known.
        } catch (Exception | Error error) {
            PRINTED.writeBytes(trace(error).getBytes(StandardCharsets.UTF_8));
            code = 1;
        }
        HOOKS.forEach(Runnable::run);
        HOOKS.clear();
        String printed = last == null ? PRINTED.toString(StandardCharsets.UTF_8) : last;
        said.append("$ ").append(name).append(' ').append(steady(shown)).append('\n');
        List<Integer> hidden = List.of();
        List<String> lines = new ArrayList<>();
        for (String line : printed.split("\n")) {
            List<String> words = new ArrayList<>(Arrays.asList(line.trim().split("\\s+")));
            if (words.containsAll(masked)) {
                hidden = masked.stream().map(words::indexOf).toList();
            } else {
                hidden.stream().filter(column -> column < words.size()).forEach(column -> words.set(column, "…"));
            }
            // Where in its own code a tool failed says nothing.
            boolean isPlace = words.get(0).equals("at") || words.get(0).equals("...");
            String text = steady(String.join(" ", words));
            if (!text.isEmpty() && !isPlace && kept.test(text)) {
                lines.add(text);
            }
        }
        if (isListing) {
            lines.sort(null);
        }
        lines.forEach(line -> said.append(line).append('\n'));
        if (code != 0) {
            said.append("exit ").append(code).append('\n');
        }
        input = "";
        kept = line -> true;
        isListing = false;
        masked = Set.of();
        return printed;
    }

    /** A file that a tool reads. */
    static String file(String text) throws Exception {
        Path path = Files.createTempFile("tools", ".file");
        path.toFile().deleteOnExit();
        Files.writeString(path, text);
        return path.toString();
    }

    /** Without what is another each time. */
    private static String steady(String text) {
        return text.replaceAll("TopicId: \\S+", "TopicId: …").replaceAll("\"logDir\":\"[^\"]*\"", "\"logDir\":\"…\"")
            .replaceAll("(localhost|127\\.0\\.0\\.1):\\d+", "127.0.0.1:…").replaceAll("(Cluster ID:|clusterId=) ?\\S+", "$1 …")
            .replaceAll("\"log_dirs\":\\[\"/[^\"]*\"", "\"log_dirs\":[\"…\"").replaceAll("\\S*/tools\\d+\\.file", "FILE").replace(" --command-config FILE", "").replaceAll("\\[\\d{4}-\\d\\d-\\d\\d [0-9:,]+\\] ", "");
    }
}
