// The network of Vogels et al. 2011 (doi:10.1126/science.1211095) by hand: the same algorithm and layout as the
// simulator of rulesearch, with the rule written into the loop.
//
//   c++ -O3 -march=native -std=c++17 -o vogels vogels.cpp && ./vogels SECONDS SEED
//
// Prints one line of JSON: seconds spent to build and to run, rates [Hz], and the mean plastic weight.

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <vector>

using std::vector;

struct Rows {
    vector<int64_t> starts;
    vector<int32_t> targets;
};

static Rows connect(int senders, int targets, double probability, bool exclude, std::mt19937_64 &chance) {
    Rows rows;
    rows.starts.assign(senders + 1, 0);
    rows.targets.reserve(size_t(senders * double(targets) * probability * 1.1) + 64);
    const double scale = 1.0 / std::log1p(-probability);
    std::uniform_real_distribution<double> uniform(0.0, 1.0);
    for (int sender = 0; sender < senders; ++sender) {
        int64_t target = -1;
        for (;;) {
            target += 1 + int64_t(std::log(1.0 - uniform(chance)) * scale);
            if (target >= targets) break;
            if (!(exclude && target == sender)) rows.targets.push_back(int32_t(target));
        }
        rows.starts[sender + 1] = int64_t(rows.targets.size());
    }
    return rows;
}

struct Cells {
    int size;
    vector<double> v, g_e, g_i;
    vector<int32_t> free_at, fired;
    Cells(int size, std::mt19937_64 &chance) : size(size), v(size), g_e(size), g_i(size), free_at(size) {
        std::uniform_real_distribution<double> potential(-60.0, -50.0);
        for (double &value : v) value = potential(chance);
        fired.reserve(size);
    }
    void integrate(int32_t t, double dt) {
        const double rate = dt / (0.02 * 10.0), base = 10.0 * -60.0 + 200.0;
        const double decay_e = 1.0 - dt / 0.005, decay_i = 1.0 - dt / 0.01, threshold = -50.0;
        fired.clear();
        double *__restrict__ u = v.data(), *__restrict__ e = g_e.data(), *__restrict__ h = g_i.data();
        const int32_t *__restrict__ free = free_at.data();
        const int block = 128;
        for (int low = 0; low < size; low += block) {
            const int high = low + block < size ? low + block : size;
            int64_t hits = 0;
            for (int i = low; i < high; ++i) {
                const double moved = u[i] + rate * ((base + h[i] * -80.0) - (10.0 + e[i] + h[i]) * u[i]);
                const double now = free[i] <= t ? moved : u[i];
                u[i] = now;
                e[i] *= decay_e;
                h[i] *= decay_i;
                hits += now > threshold;
            }
            if (hits)
                for (int i = low; i < high; ++i)
                    if (u[i] > threshold && free[i] <= t) fired.push_back(i);
        }
    }
    void reset(int32_t t) {
        for (int32_t i : fired) {
            v[i] = -60.0;
            free_at[i] = t + 50;
        }
    }
};

static void deliver(const Rows &rows, const vector<int32_t> &fired, double weight, vector<double> &gate) {
    for (int32_t sender : fired)
        for (int64_t s = rows.starts[sender]; s < rows.starts[sender + 1]; ++s) gate[rows.targets[s]] += weight;
}

int main(int argc, char **argv) {
    using clock = std::chrono::steady_clock;
    const double seconds = argc > 1 ? std::atof(argv[1]) : 5.0, dt = 1e-4;
    const auto begin = clock::now();
    std::mt19937_64 chance(argc > 2 ? std::atoi(argv[2]) : 1);
    const int excitatory = 8000, inhibitory = 2000;
    const double p = 0.02, eta = 0.01, alpha = 0.12, highest = 10.0, tau = 0.02;
    Cells e(excitatory, chance), i(inhibitory, chance);
    const Rows ee = connect(excitatory, excitatory, p, true, chance);
    const Rows ei = connect(excitatory, inhibitory, p, false, chance);
    const Rows ii = connect(inhibitory, inhibitory, p, true, chance);
    const Rows ie = connect(inhibitory, excitatory, p, false, chance);
    const size_t synapses = ie.targets.size();
    vector<double> w(synapses, 0.0), x(inhibitory, 0.0), y(excitatory, 0.0);
    vector<int64_t> column(excitatory + 1, 0);
    for (int32_t target : ie.targets) ++column[target + 1];
    for (int k = 0; k < excitatory; ++k) column[k + 1] += column[k];
    vector<int32_t> entry(synapses), owner(synapses);
    {
        vector<int64_t> place(column.begin(), column.end() - 1);
        for (int sender = 0; sender < inhibitory; ++sender)
            for (int64_t s = ie.starts[sender]; s < ie.starts[sender + 1]; ++s) {
                const int64_t at = place[ie.targets[s]]++;
                entry[at] = int32_t(s);
                owner[at] = sender;
            }
    }
    const auto built = clock::now();
    const int32_t steps = int32_t(std::lround(seconds / dt));
    int64_t spikes_e = 0, spikes_i = 0, origin = 0;
    for (int32_t t = 0; t < steps; ++t) {
        // Traces are kept scaled, so that only their common level decays.
        double exponent = double(t - origin) * dt / tau;
        if (exponent > 200.0) {
            const double scale = std::exp(-exponent);
            for (double &value : x) value *= scale;
            for (double &value : y) value *= scale;
            origin = t;
            exponent = 0.0;
        }
        const double level = std::exp(-exponent), add = 1.0 / level;
        e.integrate(t, dt);
        i.integrate(t, dt);
        deliver(ee, e.fired, 0.3, e.g_e);
        deliver(ei, e.fired, 0.3, i.g_e);
        deliver(ii, i.fired, 3.0, i.g_i);
        for (int32_t sender : i.fired)
            for (int64_t s = ie.starts[sender]; s < ie.starts[sender + 1]; ++s) {
                const int32_t target = ie.targets[s];
                e.g_i[target] += w[s];
                const double moved = w[s] + eta * (y[target] * level - alpha);
                w[s] = moved < 0.0 ? 0.0 : moved > highest ? highest : moved;
            }
        for (int32_t sender : i.fired) x[sender] += add;
        for (int32_t target : e.fired)
            for (int64_t k = column[target]; k < column[target + 1]; ++k) {
                const double moved = w[entry[k]] + eta * (x[owner[k]] * level);
                w[entry[k]] = moved < 0.0 ? 0.0 : moved > highest ? highest : moved;
            }
        for (int32_t target : e.fired) y[target] += add;
        spikes_e += int64_t(e.fired.size());
        spikes_i += int64_t(i.fired.size());
        e.reset(t);
        i.reset(t);
    }
    const auto done = clock::now();
    double sum = 0.0;
    for (double value : w) sum += value;
    std::printf(
        "{\"build\": %.6f, \"run\": %.6f, \"rate_e\": %.6f, \"rate_i\": %.6f, \"weight\": %.9f}\n",
        std::chrono::duration<double>(built - begin).count(), std::chrono::duration<double>(done - built).count(),
        double(spikes_e) / excitatory / seconds, double(spikes_i) / inhibitory / seconds, sum / double(synapses));
    return 0;
}
