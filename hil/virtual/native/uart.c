/* UARTs on a socket: one client at a time, no CPU used while the firmware waits for a byte. */
#include "board.h"

#include "sockets.h"

#define IDLE_READS 32           /* empty reads in a row before the board sleeps */
#define IDLE_INSTRUCTIONS 4000u /* more between two empty reads: the firmware is working */
#define IDLE_MILLISECONDS 20    /* longest sleep per read of the status register */
#define SEND_MILLISECONDS 10000 /* then what the client does not take is dropped */

static void close_client(eb_uart *uart)
{
    if (uart->client >= 0) {
        eb_close_socket(uart->client);
        uart->client = -1;
    }
}

static void prepare_client(int fd)
{
    int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, (const char *)&on, sizeof on);
#ifdef SO_NOSIGPIPE
    (void)setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    (void)eb_never_block(fd);
}

/* Takes a waiting client, or turns it away when there is one already. */
static void accept_client(eb_uart *uart)
{
    static const char busy[] = "e-[busy: another client holds this port]\r\n";
    int fd = (int)accept(uart->listener, NULL, NULL);
    if (fd < 0) {
        return;
    }
    prepare_client(fd);
    if (uart->client >= 0) {
        (void)send(fd, busy, sizeof busy - 1u, EB_NO_SIGNAL);
        eb_close_socket(fd);
        return;
    }
    uart->client = fd;
}

/* Fills the empty receive buffer, waiting at most `milliseconds` for something to happen. */
static void receive(eb_board *board, int milliseconds)
{
    eb_uart *uart = &board->uart;
    if (uart->listener < 0 || board->stop_requested) {
        return;
    }
    struct pollfd fds[3] = {
        {.fd = uart->wake[0], .events = POLLIN},
        {.fd = uart->listener, .events = POLLIN},
        {.fd = uart->client, .events = POLLIN}, /* a negative fd is ignored */
    };
    if (eb_poll(fds, 3, milliseconds) <= 0) {
        board->idle += (uint64_t)board->clock_khz * (uint64_t)milliseconds;
        return;
    }
    if (fds[2].revents != 0) {
        int count = (int)recv(uart->client, (char *)uart->received, sizeof uart->received, 0);
        if (count > 0) {
            uart->received_next = 0;
            uart->received_count = count;
        } else if (count == 0 || !eb_must_wait()) {
            close_client(uart);
        }
    }
    if ((fds[1].revents & POLLIN) != 0) {
        accept_client(uart);
    }
}

void eb_uart_flush(eb_board *board)
{
    eb_uart *uart = &board->uart;
    int done = 0;
    while (done < uart->sent_count && uart->client >= 0 && !board->stop_requested) {
        const char *rest = (const char *)uart->sent + done;
        int count = (int)send(uart->client, rest, (size_t)(uart->sent_count - done), EB_NO_SIGNAL);
        if (count > 0) {
            done += count;
        } else if (count < 0 && eb_must_wait()) {
            struct pollfd fds[2] = {{.fd = uart->client, .events = POLLOUT},
                                    {.fd = uart->wake[0], .events = POLLIN}};
            if (eb_poll(fds, 2, SEND_MILLISECONDS) == 0) {
                break;
            }
        } else if (count < 0) {
            close_client(uart);
        }
    }
    uart->sent_count = 0; /* no client: a line that nobody listens to */
}

/* What arrives of a byte that was sent at another rate. */
static uint8_t at_rate(const eb_device *device, uint8_t byte)
{
    if (device->board->line_changed) {
        device->board->line_changed = false;
        eb_look_at_needs(device->board);
    }
    return device->lacks[EB_AT_RATE] ? (uint8_t)((byte ^ 0xA5u) | 0x80u) : byte;
}

/* Sends where the pin is set up; else the byte goes nowhere, and the UART does not know. */
static void transmit(eb_device *device, uint8_t byte)
{
    eb_board *board = device->board;
    eb_uart *uart = &board->uart;
    if (device->lacks[EB_TO_SEND]) {
        return;
    }
    if (uart->client < 0) {
        receive(board, 0);
    }
    uart->empty_reads = 0;
    byte = at_rate(device, byte);
    uart->sent[uart->sent_count++] = byte;
    if (byte == '\n' || uart->sent_count == EB_BUFFER_BYTES) {
        eb_uart_flush(board);
    }
}

/* True when a byte waits. Sleeps when the firmware does nothing but ask. */
static bool has_byte(eb_board *board)
{
    eb_uart *uart = &board->uart;
    board->polls++;
    if (uart->received_next < uart->received_count) {
        return true;
    }
    if (board->instructions - uart->last_empty_clock > IDLE_INSTRUCTIONS) {
        uart->empty_reads = 0;
    }
    uart->last_empty_clock = board->instructions;
    bool idle = ++uart->empty_reads > IDLE_READS;
    if (idle) {
        uart->empty_reads = IDLE_READS;
        eb_uart_flush(board);
    }
    receive(board, idle ? IDLE_MILLISECONDS : 0);
    return uart->received_next < uart->received_count;
}

static uint32_t take_byte(const eb_device *device)
{
    eb_uart *uart = &device->board->uart;
    uart->presented = false;
    uart->empty_reads = 0;
    if (uart->received_next < uart->received_count) {
        return at_rate(device, uart->received[uart->received_next++]);
    }
    return 0u;
}

void eb_uart_idle(eb_board *board)
{
    eb_uart_flush(board);
    if (board->uart.received_next >= board->uart.received_count) {
        board->polls++;
        receive(board, IDLE_MILLISECONDS);
    }
}

/* Status bits are the same in both generations: RXNE 5, TC 6, TXE 7. */
static uint32_t stm32_status(eb_device *device, uint32_t control, uint32_t enable)
{
    uint32_t status = 0u;
    bool on = (control & enable) != 0u;
    if (on && (control & 8u) != 0u) { /* TE */
        status |= 0xC0u;
    }
    if (on && (control & 4u) != 0u && has_byte(device->board) && /* RE */
        !device->lacks[EB_TO_RECEIVE]) {
        status |= 0x20u;
    }
    return status;
}

static uint32_t read_stm32(eb_device *device, uint32_t offset)
{
    uint32_t control = device->registers[0];
    if (offset == 0x1Cu) { /* ISR: TEACK and REACK follow TE and RE */
        return stm32_status(device, control, 1u) | (control & 8u) << 18 | (control & 4u) << 20;
    }
    if (offset == 0x24u) {
        return take_byte(device);
    }
    return device->registers[offset / 4u];
}

static uint32_t read_stm32_legacy(eb_device *device, uint32_t offset)
{
    if (offset == 0x00u) {
        return stm32_status(device, device->registers[0x0Cu / 4u], UINT32_C(1) << 13);
    }
    if (offset == 0x04u) {
        return take_byte(device);
    }
    return device->registers[offset / 4u];
}

static uint32_t read_nrf(eb_device *device, uint32_t offset)
{
    eb_uart *uart = &device->board->uart;
    bool enabled = device->registers[0x500u / 4u] == 4u;
    bool receiving = enabled && device->registers[0x000u / 4u] != 0u;
    if (offset == 0x108u && receiving && !uart->presented && has_byte(device->board) &&
        !device->lacks[EB_TO_RECEIVE]) {
        uart->presented = true;
        device->registers[0x108u / 4u] = 1u;
    }
    if (offset == 0x518u) {
        return take_byte(device);
    }
    return device->registers[offset / 4u];
}

/* CTRLA: MODE (internal clock) and ENABLE. */
static bool sercom_enabled(const eb_device *device)
{
    return (device->registers[0] & 0x1Eu) == 0x06u;
}

static uint32_t read_sercom(eb_device *device, uint32_t offset)
{
    uint32_t control = device->registers[0x04u / 4u]; /* CTRLB: TXEN 16, RXEN 17 */
    if (offset == 0x18u && sercom_enabled(device)) {
        uint32_t flags = (control & 1u << 16) != 0u ? 3u : 0u; /* DRE, TXC */
        bool byte =
            (control & 1u << 17) != 0u && has_byte(device->board) && !device->lacks[EB_TO_RECEIVE];
        return byte ? flags | 4u : flags;
    }
    if (offset == 0x28u) {
        return take_byte(device);
    }
    return offset == 0x1Cu ? 0u : device->registers[offset / 4u]; /* SYNCBUSY */
}

/* CR: UARTEN 0, TXE 8, RXE 9; FR: RXFE 4, TXFF 5, TXFE 7. */
static uint32_t read_pl011(eb_device *device, uint32_t offset)
{
    uint32_t control = device->registers[0x30u / 4u];
    if (offset == 0x18u) {
        bool byte = (control & 0x201u) == 0x201u && has_byte(device->board) &&
                    !device->lacks[EB_TO_RECEIVE];
        return byte ? 0x80u : 0x90u;
    }
    return offset == 0x00u ? take_byte(device) : device->registers[offset / 4u];
}

/* CTRL: TE 19, RE 18; STAT: TDRE 23, TC 22, RDRF 21. */
static uint32_t read_lpuart(eb_device *device, uint32_t offset)
{
    uint32_t control = device->registers[0x18u / 4u];
    if (offset == 0x14u) {
        uint32_t status = (control & 1u << 19) != 0u ? 3u << 22 : 0u;
        bool byte =
            (control & 1u << 18) != 0u && has_byte(device->board) && !device->lacks[EB_TO_RECEIVE];
        return byte ? status | 1u << 21 : status;
    }
    return offset == 0x1Cu ? take_byte(device) : device->registers[offset / 4u];
}

/* CTRL: RX enable 1, TX enable 0; STATE: RX buffer full 1, TX buffer full 0. */
static uint32_t read_cmsdk(eb_device *device, uint32_t offset)
{
    uint32_t control = device->registers[0x08u / 4u];
    if (offset == 0x04u) {
        bool byte =
            (control & 2u) != 0u && has_byte(device->board) && !device->lacks[EB_TO_RECEIVE];
        return byte ? 2u : 0u;
    }
    return offset == 0x00u ? take_byte(device) : device->registers[offset / 4u];
}

uint32_t eb_uart_read(eb_device *device, uint32_t offset)
{
    if (device->lacks[EB_TO_RUN]) {
        (void)has_byte(device->board); /* so that a mute board sleeps, too */
        return 0u;
    }
    switch (device->kind) {
    case EB_UART_STM32:
        return read_stm32(device, offset);
    case EB_UART_NRF:
        return read_nrf(device, offset);
    case EB_UART_SERCOM:
        return read_sercom(device, offset);
    case EB_UART_PL011:
        return read_pl011(device, offset);
    case EB_UART_LPUART:
        return read_lpuart(device, offset);
    case EB_UART_CMSDK:
        return read_cmsdk(device, offset);
    default:
        return read_stm32_legacy(device, offset);
    }
}

void eb_uart_write(eb_device *device, uint32_t offset, uint32_t value)
{
    const uint32_t *registers = device->registers;
    if (device->kind == EB_UART_STM32) {
        if (offset == 0x28u && (registers[0] & 9u) == 9u) { /* UE and TE */
            transmit(device, (uint8_t)value);
        }
    } else if (device->kind == EB_UART_STM32_LEGACY) {
        if (offset == 0x04u && (registers[0x0Cu / 4u] & 0x2008u) == 0x2008u) {
            transmit(device, (uint8_t)value);
        }
    } else if (device->kind == EB_UART_PL011) {
        if (offset == 0x00u && (registers[0x30u / 4u] & 0x101u) == 0x101u) { /* UARTEN, TXE */
            transmit(device, (uint8_t)value);
        }
    } else if (device->kind == EB_UART_LPUART) {
        if (offset == 0x1Cu && (registers[0x18u / 4u] & 1u << 19) != 0u) { /* TE */
            transmit(device, (uint8_t)value);
        }
    } else if (device->kind == EB_UART_CMSDK) {
        if (offset == 0x00u && (registers[0x08u / 4u] & 1u) != 0u) {
            transmit(device, (uint8_t)value);
        }
    } else if (device->kind == EB_UART_SERCOM) {
        if (offset == 0x28u && sercom_enabled(device) && (registers[1] & 1u << 16) != 0u) {
            transmit(device, (uint8_t)value);
        }
    } else if (offset == 0x51Cu && registers[0x500u / 4u] == 4u && registers[0x008u / 4u] != 0u) {
        transmit(device, (uint8_t)value);
        device->registers[0x11Cu / 4u] = 1u;      /* EVENTS_TXDRDY */
    } else if (offset == 0x004u && value != 0u) { /* TASKS_STOPRX */
        device->registers[0x000u / 4u] = 0u;
    } else if (offset == 0x00Cu && value != 0u) { /* TASKS_STOPTX */
        device->registers[0x008u / 4u] = 0u;
    }
}

int eb_uart_open(eb_board *board, int listener)
{
    eb_uart *uart = &board->uart;
    if (eb_open_wake(uart->wake) != 0) {
        uart->wake[0] = uart->wake[1] = -1;
        return -1;
    }
    uart->listener = listener;
    return eb_never_block(listener);
}

void eb_uart_close(eb_board *board)
{
    eb_uart *uart = &board->uart;
    close_client(uart);
    if (uart->listener >= 0) {
        eb_close_socket(uart->listener);
        uart->listener = -1;
    }
}
