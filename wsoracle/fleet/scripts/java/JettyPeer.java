// Echo server and client on Jetty 9.4: `server PORT`, `client URL AGENT`, or `--version`.
//
// The policy's sizes are raised to 64 MiB; permessage-deflate is unregistered, or offered by the client, by
// WSORACLE_COMPRESSION. Sends block.
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Jetty;
import org.eclipse.jetty.websocket.api.WebSocketAdapter;
import org.eclipse.jetty.websocket.api.WebSocketPolicy;
import org.eclipse.jetty.websocket.client.ClientUpgradeRequest;
import org.eclipse.jetty.websocket.client.WebSocketClient;
import org.eclipse.jetty.websocket.server.WebSocketHandler;
import org.eclipse.jetty.websocket.servlet.WebSocketServletFactory;

public class JettyPeer {
    private static final int LARGEST = 64 << 20;
    private static final boolean COMPRESSION = System.getenv("WSORACLE_COMPRESSION") != null;

    /** One connection: sends back every message with its type. */
    public static class Echo extends WebSocketAdapter {
        final CompletableFuture<Void> ended = new CompletableFuture<>();

        @Override
        public void onWebSocketText(String message) {
            try {
                getRemote().sendString(message);
            } catch (IOException | RuntimeException error) {
                System.out.println(error);
            }
        }

        @Override
        public void onWebSocketBinary(byte[] payload, int offset, int length) {
            try {
                getRemote().sendBytes(ByteBuffer.wrap(payload, offset, length));
            } catch (IOException | RuntimeException error) {
                System.out.println(error);
            }
        }

        @Override
        public void onWebSocketError(Throwable error) {
            System.out.println(error);
            if (getSession() == null) {
                ended.complete(null);
            }
        }

        @Override
        public void onWebSocketClose(int code, String reason) {
            super.onWebSocketClose(code, reason);
            ended.complete(null);
        }
    }

    /** The connection that asks for the number of cases. */
    public static class Ask extends Echo {
        int count = -1;

        @Override
        public void onWebSocketText(String message) {
            count = Integer.parseInt(message);
        }
    }

    private static void raise(WebSocketPolicy policy) {
        policy.setMaxTextMessageSize(LARGEST);
        policy.setMaxBinaryMessageSize(LARGEST);
    }

    private static void serve(int port) throws Exception {
        Server server = new Server(new InetSocketAddress("127.0.0.1", port));
        server.setHandler(new WebSocketHandler() {
            @Override
            public void configure(WebSocketServletFactory factory) {
                raise(factory.getPolicy());
                if (!COMPRESSION) {
                    factory.getExtensionFactory().unregister("permessage-deflate");
                }
                factory.setCreator((request, response) -> new Echo());
            }
        });
        server.start();
        System.out.println("READY " + ((ServerConnector) server.getConnectors()[0]).getLocalPort());
        server.join();
    }

    private static boolean open(WebSocketClient client, String address, Echo echo) throws Exception {
        try {
            // Some answers that Jetty does not accept never end its future.
            ClientUpgradeRequest request = new ClientUpgradeRequest();
            if (COMPRESSION) {
                request.addExtensions("permessage-deflate");
            }
            client.connect(echo, URI.create(address), request).get(5, TimeUnit.SECONDS);
            echo.ended.get(60, TimeUnit.SECONDS);
            return true;
        } catch (ExecutionException error) {
            System.out.println(address + ": " + error.getCause());
        } catch (TimeoutException error) {
            System.out.println(address + ": no end of it");
        }
        return false;
    }

    private static void testee(String base, String name) throws Exception {
        String agent = URLEncoder.encode(name, StandardCharsets.UTF_8);
        WebSocketClient client = new WebSocketClient();
        raise(client.getPolicy());
        client.start();
        Ask ask = new Ask();
        open(client, base + "/getCaseCount", ask);
        if (ask.count < 0) {
            throw new IOException("the server gave no number of cases");
        }
        boolean accepted = true;
        for (int number = 1; number <= ask.count; number++) {
            String address = base + "/runCase?case=" + number + "&agent=" + agent;
            boolean before = accepted;
            accepted = open(client, address, new Echo());
            // After an answer that it does not accept it may send the next request on the same TCP connection.
            if (!accepted && !before) {
                accepted = open(client, address, new Echo());
            }
        }
        open(client, base + "/updateReports?agent=" + agent, new Echo());
        client.stop();
    }

    public static void main(String[] arguments) throws Exception {
        String role = arguments.length > 0 ? arguments[0] : "";
        if (role.equals("--version")) {
            System.out.println(Jetty.VERSION);
        } else if (role.equals("server") && arguments.length == 2) {
            serve(Integer.parseInt(arguments[1]));
        } else if (role.equals("client") && arguments.length == 3) {
            testee(arguments[1], arguments[2]);
        } else {
            System.err.println("usage: server PORT | client URL AGENT | --version");
            System.exit(2);
        }
    }
}
