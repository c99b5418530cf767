"""The linker script of a board, for GNU ld and lld alike."""

# The stack lies at the very bottom of RAM: when it overflows it leaves RAM and faults at once
# instead of eating the data above it. Sections in flash end on 16 bytes so that no gap of unknown
# content lies between them: the checksum of the image covers every byte. What a boot ROM wants to see
# at the start of the flash (.eb_boot) comes first; most chips have none.
TEMPLATE = """\
/* {board}: generated from its board file; do not edit. */
MEMORY
{{
{memory}
}}

SECTIONS
{{
    __eb_image_start = ORIGIN(flash);

    .text : ALIGN(4)
    {{
        KEEP(*(.eb_boot))
        KEEP(*(.eb_vectors))
        *(.text .text.*)
        . = ALIGN(16);
    }} > flash

    .rodata : ALIGN(4)
    {{
        *(.rodata .rodata.* .srodata .srodata.*)
        . = ALIGN(16);
    }} > flash

    .eb_weights : ALIGN(16)
    {{
        *(.eb_weights .eb_weights.*)
        . = ALIGN(16);
    }} > flash

    .eb_stack (NOLOAD) : ALIGN(8)
    {{
        __eb_stack_bottom = .;
        . += {stack_size};
        __eb_stack_top = .;
    }} > ram

    .data : ALIGN(4)
    {{
        __eb_data_start = .;
        *(.data .data.* .sdata .sdata.*)
        . = ALIGN(4);
        __eb_data_end = .;
    }} > ram AT > flash
    __eb_data_load = LOADADDR(.data);
    __eb_image_end = LOADADDR(.data) + SIZEOF(.data);

    .eb_arena (NOLOAD) : ALIGN(16)
    {{
        __eb_arena_start = .;
        *(.eb_arena .eb_arena.* .bss.eb_arena .bss.eb_arena.*)
        __eb_arena_end = .;
    }} > ram

    .bss (NOLOAD) : ALIGN(4)
    {{
        __eb_bss_start = .;
        *(.bss .bss.* .sbss .sbss.* COMMON)
        . = ALIGN(4);
        __eb_bss_end = .;
    }} > ram

    /DISCARD/ :
    {{
        *(.ARM.exidx .ARM.exidx.* .ARM.extab .ARM.extab.*)
        *(.eh_frame .eh_frame.* .eh_frame_hdr)
        *(.comment .note .note.*)
    }}
}}

ASSERT(__eb_image_end <= ORIGIN(flash) + LENGTH(flash), "the image does not fit the flash")
ASSERT(__eb_bss_end <= ORIGIN(ram) + LENGTH(ram), "stack, data and arena do not fit the RAM")
"""

ATTRIBUTES = {"flash": "rx"}


def linker_script(board_id, board):
    """Returns the linker script for the parsed TOML ``board``."""
    memory = "\n".join(
        f"    {name} ({ATTRIBUTES.get(name, 'rwx')}) : "
        f"ORIGIN = 0x{region['start']:08x}, LENGTH = 0x{region['size']:x}"
        for name, region in board["regions"].items()
    )
    return TEMPLATE.format(board=board_id, memory=memory, stack_size=board["stack_size"])
