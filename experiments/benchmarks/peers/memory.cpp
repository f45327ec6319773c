// What the machine's memory alone costs per synaptic event: bare loops over the rows and columns of a random network
// with a fixed out-degree of 100, without neurons, delays, rules or a simulator around them.
//
// For each size given on the command line: nanoseconds per event of a static row (read targets, add one weight), of a
// plastic row (read targets and a trace, add and change weights) and of a column (change scattered weights).
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

namespace {

constexpr int degree = 100;
constexpr int spikes = 20000;
constexpr int repeats = 5;

template <class Body>
double cheapest(Body body) {
    double best = 1e300;
    for (int repeat = 0; repeat < repeats; ++repeat) {
        const auto begin = std::chrono::steady_clock::now();
        const std::size_t events = body();
        const std::chrono::duration<double, std::nano> spent = std::chrono::steady_clock::now() - begin;
        best = std::min(best, spent.count() / static_cast<double>(events));
    }
    return best;
}

}  // namespace

int main(int count, char** words) {
    std::printf("{");
    for (int word = 1; word < count; ++word) {
        const int size = std::atoi(words[word]);
        const std::size_t synapses = static_cast<std::size_t>(size) * degree;
        std::mt19937_64 random(1);
        std::vector<double> weight(synapses, 0.5), gate(size, 0.0), trace(size, 0.5);
        std::vector<std::int32_t> target(synapses), entry(synapses), fires(spikes);
        for (auto& one : target) one = static_cast<std::int32_t>(random() % size);
        for (auto& one : fires) one = static_cast<std::int32_t>(random() % size);
        std::vector<std::size_t> column(size + 1, 0);
        for (const auto one : target) ++column[one + 1];
        for (int i = 0; i < size; ++i) column[i + 1] += column[i];
        auto next = column;
        for (std::size_t s = 0; s < synapses; ++s) entry[next[target[s]]++] = static_cast<std::int32_t>(s);

        const double fixed = cheapest([&] {
            for (const auto unit : fires)
                for (std::size_t s = std::size_t(unit) * degree, end = s + degree; s < end; ++s) gate[target[s]] += 0.5;
            return static_cast<std::size_t>(spikes) * degree;
        });
        const double row = cheapest([&] {
            for (const auto unit : fires)
                for (std::size_t s = std::size_t(unit) * degree, end = s + degree; s < end; ++s) {
                    const double w = weight[s];
                    gate[target[s]] += w;
                    weight[s] = std::clamp(w + 1e-3 * (trace[target[s]] - 0.25), 0.0, 1.0);
                }
            return static_cast<std::size_t>(spikes) * degree;
        });
        const double scattered = cheapest([&] {
            std::size_t events = 0;
            for (const auto unit : fires) {
                for (std::size_t c = column[unit]; c < column[unit + 1]; ++c)
                    weight[entry[c]] = std::min(weight[entry[c]] + 1e-3, 1.0);
                events += column[unit + 1] - column[unit];
            }
            return events;
        });
        std::printf("%s\"%d\": {\"static_row\": %.3g, \"plastic_row\": %.3g, \"column\": %.3g}", word > 1 ? ", " : "", size,
                    fixed, row, scattered);
    }
    std::printf("}\n");
    return 0;
}
