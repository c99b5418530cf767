/* Boxes of a single-shot detector, from the outputs of its network: decoding and suppression.
 *
 * edgebottle/detection/boxes.py is the same in NumPy, to the last bit: integers only. Nothing is
 * allocated; the caller's array is all the memory there is. Coordinates are sixteenths of a pixel
 * of the network's input, scores 65535ths. Right shifts of negative numbers are arithmetic, as all
 * compilers for these boards have them.
 */
#ifndef EB_BOXES_H
#define EB_BOXES_H

#include "edgebottle.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A box, within the image. */
typedef struct {
    int16_t y_min;
    int16_t x_min;
    int16_t y_max;
    int16_t x_max;
    uint16_t score;
    uint16_t label;
} eb_box;

/* Height and width of an anchor: 16 .. 32752. */
typedef struct {
    int32_t height;
    int32_t width;
} eb_box_size;

/* Two outputs of the network, int8: boxes and scores of the places of a feature map. */
typedef struct {
    int32_t boxes;  /* the number of the output */
    int32_t scores; /* the same */
    int32_t stride; /* from one place to the next, sixteenths of a pixel */
    int32_t anchors;
    const eb_box_size *sizes;      /* of the anchors */
    int32_t zero_point;            /* of the output with boxes */
    int32_t centre;                /* 0 .. 2^22: by 2^16 and the anchor's size, of each step */
    const int32_t *growth;         /* of the 256 stored logarithms, by 2^16: 0 .. 2^27 */
    const uint16_t *probabilities; /* of the 256 stored logits */
} eb_box_map;

/* What is kept. */
typedef struct {
    int32_t height; /* of the image, sixteenths of a pixel: 16 .. 32752 */
    int32_t width;
    int32_t labels;
    uint16_t least_score;
    uint32_t most_overlap; /* intersection over union by 2^16: 1 .. 2^16 */
} eb_box_rules;

/* Where the candidates are collected, the best first. */
typedef struct {
    eb_box *boxes;
    int32_t capacity; /* at least 1 */
    int32_t count;
} eb_box_list;

/* An output, place by place. */
typedef struct {
    const int8_t *data;
    int32_t row;   /* bytes from one row of places to the next */
    int32_t place; /* bytes from one place to the next */
} eb_box_places;

static inline eb_box_places eb_box_places_of(const eb_tensor *output)
{
    const int32_t channels = output->shape[3];
    const int32_t is_slice = output->pixel_bytes < output->pixel_stride;
    const eb_box_places places = {
        (const int8_t *)output->data,
        is_slice ? output->row_stride : output->shape[2] * channels,
        is_slice ? output->pixel_stride : channels,
    };
    return places;
}

static inline int32_t eb_box_clamp(int32_t value, int32_t high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

/* The ends of a box along an axis, cut at those of the image.
 *
 * middle: of the place; side: of the anchor; moved, grown: as stored; ends: low, then high.
 */
static inline void eb_box_decode(const eb_box_map *map,
                                 int32_t middle,
                                 int32_t side,
                                 int32_t moved,
                                 int32_t grown,
                                 int32_t length,
                                 int16_t ends[2])
{
    const int32_t step = (moved - map->zero_point) * map->centre;
    const int32_t centre = middle + (int32_t)(((int64_t)step * side + 32768) >> 16);
    const int32_t half = (int32_t)(((int64_t)map->growth[grown + 128] * side + 65536) >> 17);
    ends[0] = (int16_t)eb_box_clamp(centre - half, length);
    ends[1] = (int16_t)eb_box_clamp(centre + half, length);
}

/* Where a candidate of this score belongs; -1 where it is not among the best. Those that came
 * before it with the same score stay in front. */
static inline int32_t eb_box_rank(const eb_box_list *list, uint16_t score)
{
    int32_t rank = list->count;
    while (rank > 0 && list->boxes[rank - 1].score < score) {
        --rank;
    }
    return rank < list->capacity ? rank : -1;
}

static inline void eb_box_insert(eb_box_list *list, int32_t rank, const eb_box *box)
{
    const int32_t kept = list->count < list->capacity ? list->count : list->capacity - 1;
    for (int32_t i = kept; i > rank; --i) {
        list->boxes[i] = list->boxes[i - 1];
    }
    list->boxes[rank] = *box;
    list->count = kept + 1;
}

/* Collects the candidates of one anchor at one place: `moved` are the four numbers of its box,
 * `logits` those of its labels. */
static inline void eb_boxes_collect_anchor(const eb_box_rules *rules,
                                           const eb_box_map *map,
                                           const int32_t middle[2],
                                           const eb_box_size *size,
                                           const int8_t *moved,
                                           const int8_t *logits,
                                           eb_box_list *list)
{
    for (int32_t label = 0; label < rules->labels; ++label) {
        const uint16_t score = map->probabilities[logits[label] + 128];
        const int32_t rank = score < rules->least_score ? -1 : eb_box_rank(list, score);
        if (rank < 0) {
            continue;
        }
        int16_t y[2], x[2];
        eb_box_decode(map, middle[0], size->height, moved[0], moved[2], rules->height, y);
        eb_box_decode(map, middle[1], size->width, moved[1], moved[3], rules->width, x);
        const eb_box box = {y[0], x[0], y[1], x[1], score, (uint16_t)label};
        eb_box_insert(list, rank, &box);
    }
}

/* Collects the candidates of a map. */
static inline void eb_boxes_collect(const eb_box_rules *rules,
                                    const eb_box_map *map,
                                    const eb_tensor *boxes,
                                    const eb_tensor *scores,
                                    eb_box_list *list)
{
    const eb_box_places moved = eb_box_places_of(boxes);
    const eb_box_places logits = eb_box_places_of(scores);
    for (int32_t row = 0; row < boxes->shape[1]; ++row) {
        for (int32_t column = 0; column < boxes->shape[2]; ++column) {
            const int32_t middle[2] = {(2 * row + 1) * map->stride / 2,
                                       (2 * column + 1) * map->stride / 2};
            const int8_t *m = moved.data + row * moved.row + column * moved.place;
            const int8_t *l = logits.data + row * logits.row + column * logits.place;
            for (int32_t anchor = 0; anchor < map->anchors; ++anchor) {
                eb_boxes_collect_anchor(rules, map, middle, map->sizes + anchor, m + 4 * anchor,
                                        l + rules->labels * anchor, list);
            }
        }
    }
}

static inline int64_t eb_box_area(const eb_box *box)
{
    return (int64_t)(box->y_max - box->y_min) * (box->x_max - box->x_min);
}

/* Whether two boxes share more of what they cover together than is allowed. */
static inline int eb_boxes_overlap(const eb_box *a, const eb_box *b, uint32_t most_overlap)
{
    const int32_t height =
        (a->y_max < b->y_max ? a->y_max : b->y_max) - (a->y_min > b->y_min ? a->y_min : b->y_min);
    const int32_t width =
        (a->x_max < b->x_max ? a->x_max : b->x_max) - (a->x_min > b->x_min ? a->x_min : b->x_min);
    if (height <= 0 || width <= 0) {
        return 0;
    }
    const int64_t shared = (int64_t)height * width;
    const int64_t limit = (int64_t)most_overlap;
    return shared * (65536 + limit) > limit * (eb_box_area(a) + eb_box_area(b));
}

/* Leaves out the candidates that overlap a better one of their label; how many are left, in front
 * and in order. */
static inline int32_t eb_boxes_suppress(const eb_box_rules *rules, eb_box_list *list)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < list->count; ++i) {
        const eb_box box = list->boxes[i];
        int is_new = 1;
        for (int32_t j = 0; j < kept && is_new; ++j) {
            is_new = list->boxes[j].label != box.label ||
                     !eb_boxes_overlap(list->boxes + j, &box, rules->most_overlap);
        }
        if (is_new) {
            list->boxes[kept++] = box;
        }
    }
    list->count = kept;
    return kept;
}

#ifdef __cplusplus
}
#endif

#endif /* EB_BOXES_H */
