/* Echo server and client on libwebsockets 4.1: `server PORT`, `client URL AGENT`, or `--version`.
 *
 * permessage-deflate is given to the context where WSORACLE_COMPRESSION is set. libwebsockets hands over a message in pieces;
 * they are joined here (64 MiB at most), and whole messages wait in a queue. A buffer given to lws_write is kept until
 * the next WRITEABLE. UTF-8 is checked by the library, which must be asked to: LWS_SERVER_OPTION_VALIDATE_UTF8.
 */
#include <ctype.h>
#include <libwebsockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST (64u << 20)

struct message {
  struct message *next;
  size_t length;
  bool binary;
  unsigned char octets[]; /* LWS_PRE octets for the library, then the payload */
};

struct session {
  unsigned char *parts; /* the message that is arriving, as far as it has */
  size_t length, room;
  struct message *first, **last, *sent;
};

/* The client's way through the cases: 0 asks for their number, then each case, then the reports. */
static int number, cases = -1;
static bool idle = true, finished;
static char host[256], authority[280], agent[768];
static int port;

static int keep(struct session *session, const void *octets, size_t length) {
  if (session->length + length > LONGEST) return -1;
  if (session->length + length > session->room) {
    size_t room = 2 * (session->length + length);
    unsigned char *parts = realloc(session->parts, room);
    if (!parts) return -1;
    session->parts = parts;
    session->room = room;
  }
  if (length) memcpy(session->parts + session->length, octets, length);
  session->length += length;
  return 0;
}

static int queue(struct session *session, bool binary) {
  struct message *message = malloc(sizeof *message + LWS_PRE + session->length + 1);
  if (!message) return -1;
  message->next = NULL;
  message->length = session->length;
  message->binary = binary;
  if (session->length) memcpy(message->octets + LWS_PRE, session->parts, session->length);
  session->length = 0;
  *session->last = message;
  session->last = &message->next;
  return 0;
}

static int write_next(struct lws *wsi, struct session *session) {
  struct message *message = session->first;
  free(session->sent);
  session->sent = message;
  if (!message) return 0;
  session->first = message->next;
  if (!session->first) session->last = &session->first;
  if (lws_write(wsi, message->octets + LWS_PRE, message->length,
                message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) < 0)
    return -1;
  lws_callback_on_writable(wsi);
  return 0;
}

static void forget(struct session *session) {
  struct message *message;
  while ((message = session->first)) {
    session->first = message->next;
    free(message);
  }
  free(session->sent);
  free(session->parts);
  memset(session, 0, sizeof *session);
  session->last = &session->first;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
  struct session *session = user;
  switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      memset(session, 0, sizeof *session);
      session->last = &session->first;
      return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
      if (keep(session, in, length)) return -1;
      if (!lws_is_final_fragment(wsi)) return 0;
      if (reason == LWS_CALLBACK_CLIENT_RECEIVE && number == 0) {
        if (keep(session, "", 1)) return -1;
        cases = atoi((const char *)session->parts);
        session->length = 0;
        return 0;
      }
      if (queue(session, lws_frame_is_binary(wsi))) return -1;
      /* The server waits for WRITEABLE, as the library advises. The client writes at once where there is room: what
       * came with a message may make the library drop the connection before that, and the echo would not be seen. */
      if (reason == LWS_CALLBACK_CLIENT_RECEIVE && !lws_send_pipe_choked(wsi)) return write_next(wsi, session);
      lws_callback_on_writable(wsi);
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return write_next(wsi, session);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      printf("step %d: %s\n", number, in ? (const char *)in : "not connected");
      fflush(stdout);
      idle = true;
      return 0;
    case LWS_CALLBACK_CLIENT_CLOSED:
      idle = true;
      forget(session);
      return 0;
    case LWS_CALLBACK_CLOSED:
      forget(session);
      return 0;
    default:
      return lws_callback_http_dummy(wsi, reason, user, in, length); /* what is no WebSocket is answered with 404 */
  }
}

static const struct lws_protocols protocols[] = {
    {"echo", callback, sizeof(struct session), 65536, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate; client_max_window_bits"},
    {NULL, NULL, NULL},
};

static void connect_next(struct lws_context *context) {
  static int step;
  char path[1024];
  number = step++;
  if (number == 0)
    snprintf(path, sizeof path, "/getCaseCount");
  else if (number <= cases)
    snprintf(path, sizeof path, "/runCase?case=%d&agent=%s", number, agent);
  else if (number == cases + 1)
    snprintf(path, sizeof path, "/updateReports?agent=%s", agent);
  else {
    finished = true;
    return;
  }
  struct lws_client_connect_info info;
  memset(&info, 0, sizeof info);
  info.context = context;
  info.address = host;
  info.port = port;
  info.path = path;
  info.host = authority;
  info.ietf_version_or_minus_one = -1;
  info.local_protocol_name = "echo";
  idle = false;
  if (!lws_client_connect_via_info(&info)) idle = true;
}

static void quote(const char *name) {
  size_t used = 0;
  for (; *name && used + 4 < sizeof agent; name++)
    used += (size_t)snprintf(agent + used, sizeof agent - used, isalnum((unsigned char)*name) ? "%c" : "%%%02X",
                             (unsigned char)*name);
}

int main(int argc, char **argv) {
  if (argc == 2 && !strcmp(argv[1], "--version")) {
    puts(lws_get_library_version());
    return 0;
  }
  bool server = argc == 3 && !strcmp(argv[1], "server");
  if (!server) {
    if (argc != 4 || strcmp(argv[1], "client") || sscanf(argv[2], "ws://%255[^:/]:%d", host, &port) != 2) {
      fprintf(stderr, "usage: %s server PORT | client ws://HOST:PORT AGENT | --version\n", argv[0]);
      return 2;
    }
    snprintf(authority, sizeof authority, "%s:%d", host, port);
    quote(argv[3]);
  }
  lws_set_log_level(LLL_ERR | LLL_WARN, NULL);
  struct lws_context_creation_info info;
  memset(&info, 0, sizeof info);
  info.options = LWS_SERVER_OPTION_VALIDATE_UTF8 | LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
  info.port = server ? atoi(argv[2]) : CONTEXT_PORT_NO_LISTEN;
  info.iface = server ? "127.0.0.1" : NULL;
  info.protocols = protocols;
  if (getenv("WSORACLE_COMPRESSION")) info.extensions = extensions;
  struct lws_context *context = lws_create_context(&info);
  struct lws_vhost *vhost = context ? lws_create_vhost(context, &info) : NULL;
  if (!vhost) return 1;
  if (server) {
    printf("READY %d\n", lws_get_vhost_listen_port(vhost));
    fflush(stdout);
  }
  while (!finished) {
    if (server || !idle) {
      if (lws_service(context, 0) < 0) break;
    } else
      connect_next(context);
  }
  lws_context_destroy(context);
  return cases == -1 && !server;
}
