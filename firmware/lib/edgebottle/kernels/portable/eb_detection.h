/* Detections; included by eb_detection.h. Portable C. */
#ifndef EB_KERNELS_PORTABLE_DETECTION_H
#define EB_KERNELS_PORTABLE_DETECTION_H

typedef struct {
    float y_min;
    float x_min;
    float y_max;
    float x_max;
} eb_detection_box;

/* Where the detections are written, for `detections` * `per_detection` places. */
typedef struct {
    float *boxes; /* four of each */
    float *classes;
    float *scores;
    float *count; /* one */
} eb_detection_outputs;

/* A box from its distance from the anchor: centre y, centre x, height, width. */
static inline eb_detection_box
eb_detection_decode(const eb_detection *p, const float *encoded, const float *anchor)
{
    const float y = encoded[0] / p->y_scale * anchor[2] + anchor[0];
    const float x = encoded[1] / p->x_scale * anchor[3] + anchor[1];
    const float half_height = 0.5f * eb_exp_f32(encoded[2] / p->h_scale) * anchor[2];
    const float half_width = 0.5f * eb_exp_f32(encoded[3] / p->w_scale) * anchor[3];
    const eb_detection_box box = {y - half_height, x - half_width, y + half_height, x + half_width};
    return box;
}

/* The area that two boxes share over that of both together; 0 where one has none. */
static inline float eb_detection_overlap(const eb_detection_box *a, const eb_detection_box *b)
{
    const float area_a = (a->y_max - a->y_min) * (a->x_max - a->x_min);
    const float area_b = (b->y_max - b->y_min) * (b->x_max - b->x_min);
    if (area_a <= 0.0f || area_b <= 0.0f) {
        return 0.0f;
    }
    const float top = a->y_min > b->y_min ? a->y_min : b->y_min;
    const float left = a->x_min > b->x_min ? a->x_min : b->x_min;
    const float height = (a->y_max < b->y_max ? a->y_max : b->y_max) - top;
    const float width = (a->x_max < b->x_max ? a->x_max : b->x_max) - left;
    const float shared = (height > 0.0f ? height : 0.0f) * (width > 0.0f ? width : 0.0f);
    return shared / (area_a + area_b - shared);
}

/* The best box that is left, the first of those with the same score; -1 where there is none. It
 * goes, and with it those that it overlaps too much. */
static int32_t eb_detection_next(const eb_detection *p,
                                 const eb_detection_box *boxes,
                                 const float *scores,
                                 uint8_t *is_left)
{
    int32_t best = -1;
    for (int32_t i = 0; i < p->boxes; ++i) {
        if (is_left[i] && (best < 0 || scores[i] > scores[best])) {
            best = i;
        }
    }
    if (best >= 0) {
        is_left[best] = 0;
        for (int32_t i = 0; i < p->boxes; ++i) {
            if (is_left[i] && eb_detection_overlap(boxes + best, boxes + i) > p->most_overlap) {
                is_left[i] = 0;
            }
        }
    }
    return best;
}

/* The class of a box with the best score after that of class `last`, -1 before the first; classes
 * with the same score follow each other. */
static inline int32_t eb_detection_class(const eb_detection *p, const float *scores, int32_t last)
{
    int32_t best = -1;
    for (int32_t c = 0; c < p->classes; ++c) {
        const int is_later =
            last < 0 || scores[c] < scores[last] || (scores[c] == scores[last] && c > last);
        if (is_later && (best < 0 || scores[c] > scores[best])) {
            best = c;
        }
    }
    return best;
}

/* Writes one detection. */
static inline void eb_detection_write(eb_detection_outputs to,
                                      int32_t place,
                                      const eb_detection_box *box,
                                      int32_t class_index,
                                      float score)
{
    memcpy(to.boxes + 4 * place, box, sizeof *box);
    to.classes[place] = (float)class_index;
    to.scores[place] = score;
}

/* Which boxes have a score to be looked at. */
static inline void eb_detection_begin(const eb_detection *p, const float *scores, uint8_t *is_left)
{
    for (int32_t i = 0; i < p->boxes; ++i) {
        is_left[i] = scores[i] >= p->least_score;
    }
}

/* Each box counts with its best class alone. Returns the detections. */
static int32_t eb_detection_fast(const eb_detection *p,
                                 const float *scores,
                                 const eb_detection_box *boxes,
                                 float *best,
                                 uint8_t *is_left,
                                 eb_detection_outputs to)
{
    for (int32_t i = 0; i < p->boxes; ++i) {
        const float *own = scores + i * p->score_classes + p->background;
        best[i] = own[eb_detection_class(p, own, -1)];
    }
    eb_detection_begin(p, best, is_left);
    int32_t count = 0;
    for (; count < p->detections; ++count) {
        const int32_t found = eb_detection_next(p, boxes, best, is_left);
        if (found < 0) {
            break;
        }
        const float *own = scores + found * p->score_classes + p->background;
        int32_t last = -1;
        for (int32_t k = 0; k < eb_min(p->per_detection, p->classes); ++k) {
            last = eb_detection_class(p, own, last);
            const int32_t place = count * p->per_detection + k;
            eb_detection_write(to, place, boxes + found, last, own[last]);
        }
    }
    return count;
}

/* Each class for itself; the best of all are kept, in order. Returns the detections. */
static int32_t eb_detection_by_class(const eb_detection *p,
                                     const float *scores,
                                     const eb_detection_box *boxes,
                                     float *own,
                                     uint8_t *is_left,
                                     eb_detection_outputs to)
{
    int32_t count = 0;
    for (int32_t c = 0; c < p->classes; ++c) {
        for (int32_t i = 0; i < p->boxes; ++i) {
            own[i] = scores[i * p->score_classes + p->background + c];
        }
        eb_detection_begin(p, own, is_left);
        for (int32_t k = 0; k < p->per_class; ++k) {
            const int32_t found = eb_detection_next(p, boxes, own, is_left);
            if (found < 0) {
                break;
            }
            int32_t place = count;
            while (place > 0 && to.scores[place - 1] < own[found]) {
                --place;
            }
            if (place == p->detections) {
                continue;
            }
            count = eb_min(count + 1, p->detections);
            const size_t moved = (size_t)(count - 1 - place) * sizeof(float);
            memmove(to.boxes + 4 * (place + 1), to.boxes + 4 * place, 4 * moved);
            memmove(to.classes + place + 1, to.classes + place, moved);
            memmove(to.scores + place + 1, to.scores + place, moved);
            eb_detection_write(to, place, boxes + found, c, own[found]);
        }
    }
    return count;
}

/* Everything. scratch: 21 bytes for each box, 4-byte aligned. Places that are not needed are 0. */
EB_KERNEL void eb_detection_all(const eb_detection *p,
                                const float *encoded,
                                const float *scores,
                                const float *anchors,
                                float *out_boxes,
                                float *out_classes,
                                float *out_scores,
                                float *out_count,
                                void *scratch)
{
    const eb_detection_outputs to = {out_boxes, out_classes, out_scores, out_count};
    eb_detection_box *boxes = (eb_detection_box *)scratch;
    float *own = (float *)(boxes + p->boxes);
    uint8_t *is_left = (uint8_t *)(own + p->boxes);
    const int32_t places = p->detections * p->per_detection;
    for (int32_t i = 0; i < places; ++i) {
        const eb_detection_box none = {0.0f, 0.0f, 0.0f, 0.0f};
        eb_detection_write(to, i, &none, 0, 0.0f);
    }
    for (int32_t i = 0; i < p->boxes; ++i) {
        boxes[i] = eb_detection_decode(p, encoded + i * p->box_elements, anchors + 4 * i);
    }
    const int32_t count = p->per_class == 0
                              ? eb_detection_fast(p, scores, boxes, own, is_left, to)
                              : eb_detection_by_class(p, scores, boxes, own, is_left, to);
    *to.count = (float)count;
}

#endif /* EB_KERNELS_PORTABLE_DETECTION_H */
