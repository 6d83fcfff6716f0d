/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probes/elf.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* No honest symbol table or section that is read here is larger. */
#define SECTION_MAX ((uint64_t)256 << 20)

enum { PIECE_SIZE = 1 << 20, OVERLAP_MAX = 4096, SECTIONS_MAX = 1 << 20 };

/* --- opening ----------------------------------------------------------------------------------- */

static void read_segments(struct elf_file *file)
{
	size_t count;

	if (elf_getphdrnum(file->elf, &count) != 0)
		return;
	for (size_t i = 0; i < count && file->segment_count < ELF_SEGMENTS_MAX; i++) {
		GElf_Phdr ph;

		if (!gelf_getphdr(file->elf, (int)i, &ph))
			return;
		if (ph.p_type == PT_INTERP)
			file->has_interp = true;
		file->segments[file->segment_count++] = (struct elf_segment){ .type = ph.p_type,
			                                                      .flags = ph.p_flags,
			                                                      .vaddr = ph.p_vaddr,
			                                                      .offset = ph.p_offset,
			                                                      .filesz = ph.p_filesz,
			                                                      .memsz = ph.p_memsz };
	}
}

/* The bytes of a section, or NULL when they are not all in the file. */
static const Elf_Data *section_data(const struct elf_file *file, Elf_Scn *scn, GElf_Shdr *sh)
{
	if (!gelf_getshdr(scn, sh) || sh->sh_type == SHT_NOBITS || sh->sh_size > SECTION_MAX ||
	    sh->sh_offset > file->size || sh->sh_size > file->size - sh->sh_offset)
		return NULL;
	return elf_getdata(scn, NULL);
}

static bool take_build_id(struct elf_file *file, const uint8_t *note, size_t len)
{
	enum { HEAD = 12, NAME = 4 }; /* three words, "GNU\0" */
	uint32_t namesz, descsz, type;
	size_t pos = 0, step;

	while (len - pos >= HEAD + NAME) {
		memcpy(&namesz, note + pos, 4);
		memcpy(&descsz, note + pos + 4, 4);
		memcpy(&type, note + pos + 8, 4);
		if (namesz > len - pos - HEAD || descsz > len - pos - HEAD)
			return false;
		step = HEAD + ((size_t)(namesz + 3) & ~(size_t)3);
		if (step > len - pos || descsz > len - pos - step)
			return false;
		if (type == NT_GNU_BUILD_ID && namesz == NAME && descsz > 2 &&
		    descsz < ELF_BUILD_ID_MAX / 2 && memcmp(note + pos + HEAD, "GNU", NAME) == 0) {
			for (size_t i = 0; i < descsz; i++)
				snprintf(file->build_id + 2 * i, 3, "%02x", note[pos + step + i]);
			return true;
		}
		step += ((size_t)descsz + 3) & ~(size_t)3;
		if (step > len - pos)
			return false;
		pos += step;
	}
	return false;
}

/* By program header, as the loader sees it; a debug file's segments have no bytes, its section has. */
static void read_build_id(struct elf_file *file)
{
	uint8_t note[1024];
	Elf_Scn *scn = NULL;

	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *seg = &file->segments[i];
		size_t want = seg->filesz < sizeof(note) ? (size_t)seg->filesz : sizeof(note);
		ssize_t got;

		if (seg->type != PT_NOTE || seg->offset > INT64_MAX)
			continue;
		got = pread(file->fd, note, want, (off_t)seg->offset);
		if (got > 0 && take_build_id(file, note, (size_t)got))
			return;
	}
	while ((scn = elf_nextscn(file->elf, scn))) {
		GElf_Shdr sh;
		const Elf_Data *data;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != SHT_NOTE || sh.sh_size > sizeof(note))
			continue;
		data = section_data(file, scn, &sh);
		if (data && data->d_buf && take_build_id(file, data->d_buf, data->d_size))
			return;
	}
}

/*
 * libelf believes the counts in a header as far as the file's size allows, and a sparse file can have
 * any size. A section count that does not fit e_shnum is in the first section header's sh_size.
 */
static bool has_sane_counts(int fd)
{
	union {
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} eh = { 0 };
	union {
		Elf64_Shdr wide;
		Elf32_Shdr narrow;
	} sh = { 0 };
	bool is_wide;
	uint64_t offset, sections;

	if (pread(fd, &eh, sizeof(eh), 0) < (ssize_t)sizeof(eh.narrow))
		return false;
	is_wide = eh.wide.e_ident[EI_CLASS] == ELFCLASS64;
	if ((is_wide ? eh.wide.e_phnum : eh.narrow.e_phnum) == PN_XNUM)
		return false;
	if ((is_wide ? eh.wide.e_shnum : eh.narrow.e_shnum) != 0)
		return true;
	offset = is_wide ? eh.wide.e_shoff : eh.narrow.e_shoff;
	if (offset == 0)
		return true;
	if (offset > INT64_MAX || pread(fd, &sh, sizeof(sh), (off_t)offset) <= 0)
		return false;
	sections = is_wide ? sh.wide.sh_size : sh.narrow.sh_size;
	return sections <= SECTIONS_MAX;
}

static const char *check_header(const struct elf_file *file, const GElf_Ehdr *eh)
{
	if (eh->e_ident[EI_DATA] != ELFDATA2LSB)
		return "a big-endian program";
	if (file->word != 4 && file->word != 8)
		return "of unknown ELF class";
	return NULL;
}

bool elf_open(int fd, struct elf_file **ret, const char **ret_why)
{
	struct elf_file *file;
	struct stat st;
	GElf_Ehdr eh;
	int class;

	*ret_why = "not readable";
	file = calloc(1, sizeof(*file));
	if (!file || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		free(file);
		close(fd);
		return false;
	}
	file->fd = fd;
	file->size = (uint64_t)st.st_size;
	elf_version(EV_CURRENT);
	*ret_why = "not an ELF file";
	if (has_sane_counts(fd))
		file->elf = elf_begin(fd, ELF_C_READ, NULL);
	if (!file->elf || elf_kind(file->elf) != ELF_K_ELF || !gelf_getehdr(file->elf, &eh)) {
		elf_close(file);
		return false;
	}
	class = gelf_getclass(file->elf);
	file->word = class == ELFCLASS64 ? 8 : class == ELFCLASS32 ? 4 : 0;
	file->machine = eh.e_machine;
	file->type = eh.e_type;
	*ret_why = check_header(file, &eh);
	if (*ret_why) {
		elf_close(file);
		return false;
	}
	read_segments(file);
	read_build_id(file);
	*ret = file;
	return true;
}

void elf_close(struct elf_file *file)
{
	if (!file)
		return;
	elf_end(file->elf);
	close(file->fd);
	free(file);
}

/* --- bytes ------------------------------------------------------------------------------------- */

size_t elf_read(const struct elf_file *file, uint64_t vaddr, void *buf, size_t len)
{
	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *seg = &file->segments[i];
		uint64_t skip = vaddr - seg->vaddr;
		ssize_t got;

		if (seg->type != PT_LOAD || vaddr < seg->vaddr || skip >= seg->filesz ||
		    seg->offset > INT64_MAX - skip)
			continue;
		if (len > seg->filesz - skip)
			len = (size_t)(seg->filesz - skip);
		got = pread(file->fd, buf, len, (off_t)(seg->offset + skip));
		return got > 0 ? (size_t)got : 0;
	}
	return 0;
}

bool elf_data_range(const struct elf_file *file, uint64_t *ret_start, uint64_t *ret_end)
{
	uint64_t start = 0, end = 0, relro_end = 0;

	for (size_t i = 0; i < file->segment_count; i++) {
		const struct elf_segment *seg = &file->segments[i];

		if (seg->type == PT_GNU_RELRO)
			relro_end = seg->vaddr + seg->memsz;
		if (seg->type == PT_LOAD && (seg->flags & PF_W) && seg->filesz) {
			start = seg->vaddr;
			end = seg->vaddr + seg->filesz;
		}
	}
	if (relro_end > start && relro_end < end)
		start = relro_end;
	*ret_start = start;
	*ret_end = end;
	return end > start;
}

static bool scan_bytes(const struct elf_file *file, uint64_t offset, uint64_t size, size_t overlap,
                       bool (*piece)(void *ctx, const uint8_t *bytes, size_t len), void *ctx)
{
	uint8_t *buf = malloc(PIECE_SIZE);
	uint64_t pos = 0;
	bool go_on = buf != NULL;

	if (offset > INT64_MAX - size || overlap > OVERLAP_MAX)
		go_on = false;
	while (go_on && pos < size) {
		uint64_t want = size - pos < PIECE_SIZE ? size - pos : PIECE_SIZE;
		ssize_t got = pread(file->fd, buf, (size_t)want, (off_t)(offset + pos));

		if (got <= 0)
			break;
		go_on = piece(ctx, buf, (size_t)got);
		if (pos + (uint64_t)got >= size || (size_t)got <= overlap)
			break;
		pos += (uint64_t)got - overlap;
	}
	free(buf);
	return go_on;
}

static Elf_Scn *section_named(const struct elf_file *file, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(file->elf, &names) != 0)
		return NULL;
	while ((scn = elf_nextscn(file->elf, scn))) {
		GElf_Shdr sh;
		const char *at;

		if (!gelf_getshdr(scn, &sh))
			continue;
		at = elf_strptr(file->elf, names, sh.sh_name);
		if (at && strcmp(at, name) == 0)
			return scn;
	}
	return NULL;
}

bool elf_has_section(const struct elf_file *file, const char *name)
{
	return section_named(file, name) != NULL;
}

void elf_each_constant(const struct elf_file *file, uint64_t limit, size_t overlap,
                       bool (*piece)(void *ctx, const uint8_t *bytes, size_t len), void *ctx)
{
	Elf_Scn *scn = section_named(file, ".rodata");
	GElf_Shdr sh;

	if (scn && gelf_getshdr(scn, &sh) && sh.sh_type != SHT_NOBITS) {
		scan_bytes(file, sh.sh_offset, sh.sh_size < limit ? sh.sh_size : limit, overlap,
		           piece, ctx);
		return;
	}
	for (size_t i = 0; i < file->segment_count && limit; i++) {
		const struct elf_segment *seg = &file->segments[i];
		uint64_t size = seg->filesz < limit ? seg->filesz : limit;

		if (seg->type != PT_LOAD || (seg->flags & PF_W))
			continue;
		if (!scan_bytes(file, seg->offset, size, overlap, piece, ctx))
			return;
		limit -= size;
	}
}

/* --- symbols ----------------------------------------------------------------------------------- */

struct symbol_names {
	const char *at;
	size_t len; /* the byte behind the last name is NUL */
};

static bool symbol_names(const struct elf_file *file, const GElf_Shdr *table,
                         struct symbol_names *ret)
{
	Elf_Scn *scn = elf_getscn(file->elf, table->sh_link);
	const Elf_Data *data;
	GElf_Shdr sh;

	if (!scn)
		return false;
	data = section_data(file, scn, &sh);
	if (!data || sh.sh_type != SHT_STRTAB || !data->d_buf || !data->d_size)
		return false;
	ret->at = data->d_buf;
	ret->len = data->d_size - 1;
	return ret->at[ret->len] == '\0';
}

static bool is_named(const struct elf_symbol *wanted, const char *name)
{
	size_t len = strlen(wanted->name);

	if (!wanted->is_prefix)
		return strcmp(wanted->name, name) == 0;
	return strncmp(wanted->name, name, len) == 0 && (!name[len] || name[len] == '.');
}

static void match_symbol(const GElf_Sym *sym, const char *name, struct elf_symbol *wanted,
                         size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (wanted[i].is_defined || !is_named(&wanted[i], name))
			continue;
		wanted[i].value = sym->st_value;
		wanted[i].size = sym->st_size;
		wanted[i].is_defined = sym->st_shndx != SHN_UNDEF;
	}
}

static void scan_symbols(Elf_Data *data, const struct symbol_names *names, size_t entsize,
                         struct elf_symbol *wanted, size_t count)
{
	bool first[256] = { false }; /* initials worth comparing */
	size_t total = data->d_size / entsize;

	for (size_t i = 0; i < count; i++)
		first[(uint8_t)wanted[i].name[0]] = true;
	for (size_t i = 0; i < total && i < INT32_MAX; i++) {
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			return;
		if (sym.st_name < names->len && first[(uint8_t)names->at[sym.st_name]])
			match_symbol(&sym, names->at + sym.st_name, wanted, count);
	}
}

bool elf_symbols(const struct elf_file *file, enum elf_table table, struct elf_symbol *wanted,
                 size_t count)
{
	uint32_t type = table == ELF_DYNSYM ? SHT_DYNSYM : SHT_SYMTAB;
	size_t entsize = file->word == 8 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(file->elf, scn))) {
		struct symbol_names names;
		const Elf_Data *data;
		GElf_Shdr sh;

		if (!gelf_getshdr(scn, &sh) || sh.sh_type != type)
			continue;
		data = section_data(file, scn, &sh);
		if (!data || !data->d_buf || !symbol_names(file, &sh, &names))
			return false;
		scan_symbols(elf_getdata(scn, NULL), &names, entsize, wanted, count);
		return true;
	}
	return false;
}
