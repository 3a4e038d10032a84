/* An adapter of wsoracle to the C library wslay (Debian: libwslay-dev); see docs/driving.md.
 * cc wslay_adapter.c -o wslay_adapter -lwslay && wsoracle drive ./wslay_adapter */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <wslay/wslay.h>

struct connection {
  long number;
  wslay_event_context_ptr parser;
  const char *octets; /* received, and not yet taken by the parser */
  size_t left;
  int client, closed;
  struct connection *next;
};

static FILE *written, *events; /* the octets and events of one answer, as JSON has them */

static void put_hex(FILE *out, const uint8_t *octets, size_t length) {
  for (size_t i = 0; i < length; i++) {
    putc_unlocked("0123456789abcdef"[octets[i] >> 4], out);
    putc_unlocked("0123456789abcdef"[octets[i] & 15], out);
  }
}

static ssize_t takes(wslay_event_context_ptr parser, uint8_t *to, size_t room, int flags, void *of) {
  struct connection *c = of;
  size_t length = c->left < room ? c->left : room;
  if (length == 0) {
    wslay_event_set_error(parser, WSLAY_ERR_WOULDBLOCK);
    return -1;
  }
  memcpy(to, c->octets, length);
  c->octets += length, c->left -= length;
  return length;
}

static ssize_t writes(wslay_event_context_ptr parser, const uint8_t *octets, size_t length, int flags, void *of) {
  put_hex(written, octets, length);
  return length;
}

static int masks(wslay_event_context_ptr parser, uint8_t *key, size_t length, void *of) {
  return getrandom(key, length, 0) == (ssize_t)length ? 0 : -1;
}

static void has_message(wslay_event_context_ptr parser, const struct wslay_event_on_msg_recv_arg *message, void *of) {
  if (message->opcode != WSLAY_TEXT_FRAME && message->opcode != WSLAY_BINARY_FRAME) return;
  fprintf(events, "%s{\"kind\":\"%s\",\"payload\":\"", ftell(events) ? "," : "", message->opcode == WSLAY_TEXT_FRAME ? "text" : "binary");
  put_hex(events, message->msg, message->msg_length);
  fputs("\"}", events);
}

/* The value of a field: all of them are numbers or strings without escapes. */
static char *field(char *line, const char *name) {
  static char none[] = "";
  char quoted[32];
  int length = sprintf(quoted, "\"%s\":", name);
  char *at = strstr(line, quoted);
  if (!at) return none;
  at += length + strspn(at + length, " ");
  return at + (*at == '"'); /* and no further: the string may be empty */
}

static size_t from_hex(char *text) { /* in place */
  static const char digits[] = "0123456789abcdef";
  size_t length = 0;
  for (char *at = text; *at != '"' && *at; at += 2) text[length++] = (strchr(digits, at[0]) - digits) << 4 | (strchr(digits, at[1]) - digits);
  return length;
}

int main(void) {
  const struct wslay_event_callbacks callbacks = {.recv_callback = takes, .send_callback = writes, .on_msg_recv_callback = has_message, .genmask_callback = masks};
  struct connection *all = NULL, **at, *c;
  char *line = NULL, *octets, *messages, *cmd;
  size_t room = 0, unused;
  while (getline(&line, &room, stdin) > 0) {
    long seq = atol(field(line, "seq")), number = atol(field(line, "connection"));
    int closes = 0;
    cmd = field(line, "cmd");
    written = open_memstream(&octets, &unused), events = open_memstream(&messages, &unused);
    if (!strncmp(cmd, "open\"", 5)) {
      c = calloc(1, sizeof *c);
      c->number = number, c->next = all, all = c;
      c->client = *field(line, "role") == 'c';
      (c->client ? wslay_event_context_client_init : wslay_event_context_server_init)(&c->parser, &callbacks, c);
    }
    for (at = &all; *at && (*at)->number != number; at = &(*at)->next);
    c = *at;
    if (c && !strncmp(cmd, "close\"", 6)) {
      *at = c->next;
      wslay_event_context_free(c->parser);
      free(c);
    } else if (c && !c->closed) {
      int failed = !strncmp(cmd, "eof\"", 4);
      if (!strncmp(cmd, "receive\"", 8)) {
        c->octets = field(line, "octets"), c->left = from_hex((char *)c->octets);
        failed = wslay_event_recv(c->parser) != 0;
      } else if (!strncmp(cmd, "send\"", 5)) {
        char *payload = field(line, "payload");
        uint8_t opcode = *field(line, "kind") == 't' ? WSLAY_TEXT_FRAME : WSLAY_BINARY_FRAME;
        wslay_event_queue_msg(c->parser, &(struct wslay_event_msg){opcode, (uint8_t *)payload, from_hex(payload)});
      }
      failed |= wslay_event_send(c->parser) != 0;
      closes = c->closed = failed || (!c->client && !wslay_event_want_read(c->parser) && !wslay_event_want_write(c->parser)); /* a client waits */
    }
    fclose(written), fclose(events);
    printf("{\"seq\":%ld", seq);
    if (!strncmp(cmd, "start\"", 6))
      printf(",\"version\":1,\"implementation\":{\"name\":\"wslay\",\"language\":\"C\"}"); /* Debian's WSLAY_VERSION is not that of the package */
    else printf(",\"octets\":\"%s\",\"events\":[%s]%s", octets, messages, closes ? ",\"closes\":true" : "");
    puts("}"), fflush(stdout);
    free(octets), free(messages);
    if (!strncmp(cmd, "stop\"", 5)) return 0;
  }
  return 0;
}
