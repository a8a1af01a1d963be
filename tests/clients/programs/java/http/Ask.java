import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** What Java's own HTTP client, as it is by default, gets from a server: URL. What it prints differs only by a fault. */
public final class Ask {
    private static final HttpClient CLIENT = HttpClient.newHttpClient();

    public static void main(String[] arguments) throws Exception {
        String server = arguments[0];
        say(CLIENT.send(request(server + "/first").POST(BodyPublishers.ofString("x".repeat(100_000))).build(), BodyHandlers.ofString()));
        say(CLIENT.send(request(server + "/second").build(), BodyHandlers.ofString()));
        List<CompletableFuture<HttpResponse<String>>> many = IntStream.range(0, 20)
            .mapToObj(n -> request(server + "/many/" + n).POST(BodyPublishers.ofString("x".repeat(n * 1000))).build())
            .map(request -> CLIENT.sendAsync(request, BodyHandlers.ofString()))
            .toList();
        for (CompletableFuture<HttpResponse<String>> each : many) {
            say(each.get());
        }
    }

    private static HttpRequest.Builder request(String url) {
        return HttpRequest.newBuilder(URI.create(url));
    }

    private static void say(HttpResponse<String> answer) {
        System.out.println(answer.version() + " " + answer.statusCode() + " " + answer.body());
    }
}
